/* lstm_int8.c checks itself: cc -std=c99 -I../../c -o check_lstm_int8 check_lstm_int8.c -lm && ./check_lstm_int8
 *
 * lstm_int8_cmsis_zero_points.h is a golden, and rnn_goldens.h compares; replace this LSTM by yours.
 * Exit code 0: correct. 1: wrong.
 */
#include "rnn_goldens.h"
#include "lstm_int8_cmsis_zero_points.h"
#include "lstm_int8.c"
#include <string.h>

#define SIZE(name) LSTM_INT8_CMSIS_ZERO_POINTS_##name
#define GOLDEN(name) lstm_int8_cmsis_zero_points_##name
#define FOUR(list) {GOLDEN(list)[0], GOLDEN(list)[1], GOLDEN(list)[2], GOLDEN(list)[3]}
#define GATES(matrix) {GOLDEN(matrix##_i), GOLDEN(matrix##_f), GOLDEN(matrix##_g), GOLDEN(matrix##_o)}

int main(void)
{
    const parameters p = {
        SIZE(BATCH), SIZE(TIME), SIZE(INPUT_SIZE), SIZE(HIDDEN_SIZE), SIZE(X_ZERO), SIZE(H_ZERO),
        SIZE(CELL_POWER), SIZE(CELL_CLIP), FOUR(W_multiplier), FOUR(W_shift), FOUR(R_multiplier), FOUR(R_shift),
        SIZE(H_MULTIPLIER), SIZE(H_SHIFT),
    };
    const int8_t *const W[4] = GATES(W), *const R[4] = GATES(R);
    const int32_t *const b[4] = GATES(b);
    static int8_t out[sizeof GOLDEN(out)], h[sizeof GOLDEN(h0)];
    static int16_t c[sizeof GOLDEN(c0) / sizeof *GOLDEN(c0)];
    static int32_t table[256];
    int wrong = 0;
    memcpy(h, GOLDEN(h0), sizeof h);
    memcpy(c, GOLDEN(c0), sizeof c);
    sigmoid_table(table);
    lstm_int8(&p, table, W, R, b, GOLDEN(x), h, c, out);
    wrong |= rnn_goldens_check_int8(&GOLDEN(out_expected), out);
    wrong |= rnn_goldens_check_int8(&GOLDEN(h_n_expected), h);
    wrong |= rnn_goldens_check_int16(&GOLDEN(c_n_expected), c);
    puts(wrong ? "lstm_int8 failed" : "lstm_int8 passed");
    return wrong ? 1 : 0;
}
