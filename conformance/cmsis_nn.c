/* Calls CMSIS-NN's LSTMs with flat arguments: numbers are batch, time, inputs, units, clip, power of c, multiplier, shift and
   zero point of h, multipliers and shifts of f·c and i·g, then of W and of R of the gates i, f, g, o. */
#include "arm_nnfunctions.h"

int lstm(int is_wide, const int32_t *numbers, const void *x, const int8_t *W, const int8_t *R, const void *b_W,
         const void *b_R, void *out, void *h, int16_t *c, int16_t *first, int16_t *second)
{
    const int inputs = numbers[2], units = numbers[3], size = is_wide ? 8 : 4;
    cmsis_nn_lstm_gate gates[4];
    for (int k = 0; k < 4; k++) {
        const int32_t *of = numbers + 13 + 4 * k;
        const cmsis_nn_lstm_gate gate = {
            of[0], of[1], W + k * units * inputs, (const char *)b_W + k * units * size, of[2], of[3],
            R + k * units * units, (const char *)b_R + k * units * size, 0, k == 2 ? ARM_TANH : ARM_SIGMOID};
        gates[k] = gate;
    }
    const cmsis_nn_lstm_params parameters = {
        0, numbers[0], numbers[1], inputs, units, 0, numbers[9], numbers[10], numbers[11], numbers[12], numbers[4],
        numbers[5], numbers[6], numbers[7], numbers[8], gates[1], gates[0], gates[2], gates[3]};
    cmsis_nn_lstm_context buffers = {first, second, c, h};
    return is_wide ? arm_lstm_unidirectional_s16(x, out, &parameters, &buffers)
                   : arm_lstm_unidirectional_s8(x, out, &parameters, &buffers);
}
