/* lstm-int8-cmsis/zero-points in int8, a golden of rnn-goldens.
 *
 * Zero points at the ends of 8 bits: x - zero point needs 9 bits.
 *
 * Cell lstm_int8_cmsis, input_size=5, hidden_size=6, x_zero=-128, h_zero=127, h_multiplier=1838648207,
 * h_shift=-23, cell_power=-11, cell_clip=0, x_scale=0.028564453125, h_scale=0.009124755859375.
 *
 * Arrays are flat, the last axis runs fastest. Axes: x: (batch, time, input_size); h0, c0, h_n, c_n: (batch,
 * hidden_size); out: (batch, time, hidden_size).
 *
 * Lists have a number for each of the gates i, f, g and o. Every bit of an output is defined. rnn_goldens.h
 * compares outputs, if it is included before this file.
 */
#ifndef LSTM_INT8_CMSIS_ZERO_POINTS_H
#define LSTM_INT8_CMSIS_ZERO_POINTS_H

#include <stdint.h>

#define LSTM_INT8_CMSIS_ZERO_POINTS_BATCH 2
#define LSTM_INT8_CMSIS_ZERO_POINTS_TIME 8
#define LSTM_INT8_CMSIS_ZERO_POINTS_INPUT_SIZE 5
#define LSTM_INT8_CMSIS_ZERO_POINTS_HIDDEN_SIZE 6
#define LSTM_INT8_CMSIS_ZERO_POINTS_X_ZERO -128
#define LSTM_INT8_CMSIS_ZERO_POINTS_H_ZERO 127
#define LSTM_INT8_CMSIS_ZERO_POINTS_H_MULTIPLIER 1838648207
#define LSTM_INT8_CMSIS_ZERO_POINTS_H_SHIFT -23
#define LSTM_INT8_CMSIS_ZERO_POINTS_CELL_POWER -11
#define LSTM_INT8_CMSIS_ZERO_POINTS_CELL_CLIP 0
#define LSTM_INT8_CMSIS_ZERO_POINTS_SINGLE_ROUNDING 0
#define LSTM_INT8_CMSIS_ZERO_POINTS_HAS_STATE 0

/* 4 */
static const int32_t lstm_int8_cmsis_zero_points_W_multiplier[4] = {
    1956225024, 1278590976, 1706065920, 1119965184,
};

/* 4 */
static const int32_t lstm_int8_cmsis_zero_points_W_shift[4] = {
    -1, -1, -1, -1,
};

/* 4 */
static const int32_t lstm_int8_cmsis_zero_points_R_multiplier[4] = {
    1455560704, 1362483200, 1140199424, 1465358336,
};

/* 4 */
static const int32_t lstm_int8_cmsis_zero_points_R_shift[4] = {
    -1, -1, -1, -2,
};

/* 6 x 5 */
static const int8_t lstm_int8_cmsis_zero_points_W_i[30] = {
    -76, 55, 107, 11, 103,
    41, 45, 37, 91, -85,
    -31, 64, 120, 6, -96,
    118, 84, -39, 103, -49,
    82, 73, 40, 26, 60,
    12, 47, 20, 75, 112,
};

/* 6 x 5 */
static const int8_t lstm_int8_cmsis_zero_points_W_f[30] = {
    81, 8, -105, 37, 14,
    121, -62, 20, 71, 40,
    101, 86, 9, -20, 77,
    -111, 12, 44, -116, 106,
    -79, 109, -98, -50, -41,
    -15, -84, 32, 25, -38,
};

/* 6 x 5 */
static const int8_t lstm_int8_cmsis_zero_points_W_g[30] = {
    83, -118, 121, -32, 24,
    -78, -96, -54, -111, -106,
    53, -77, 100, -54, -71,
    -34, -17, 25, -57, 95,
    74, -126, -45, 107, 51,
    -119, 61, 56, 27, 78,
};

/* 6 x 5 */
static const int8_t lstm_int8_cmsis_zero_points_W_o[30] = {
    -7, 91, 18, 8, 75,
    -119, 34, 19, -76, -62,
    -94, -111, -81, 95, -73,
    -57, -79, -101, 92, 119,
    -94, -97, -27, 18, -61,
    -72, -27, 85, 56, -55,
};

/* 6 x 6 */
static const int8_t lstm_int8_cmsis_zero_points_R_i[36] = {
    97, 68, 85, -11, 67, 113,
    -80, -27, -101, 50, -106, 50,
    71, 66, 71, 39, -27, -69,
    -51, -24, -102, -104, -101, 68,
    60, -91, -91, 1, 32, -114,
    -51, 59, -47, -91, 73, 34,
};

/* 6 x 6 */
static const int8_t lstm_int8_cmsis_zero_points_R_f[36] = {
    53, 90, -17, -46, 71, -74,
    112, 96, -110, -69, -97, 80,
    33, 1, -53, -122, -80, -69,
    -14, 110, -76, 40, -26, -59,
    -84, -111, 24, 51, -120, -70,
    -78, 9, 35, 0, -15, -95,
};

/* 6 x 6 */
static const int8_t lstm_int8_cmsis_zero_points_R_g[36] = {
    37, 49, 95, 5, 103, 4,
    2, 67, 51, -120, -116, -114,
    -95, -113, -61, 66, 51, 36,
    19, 86, -31, -67, -116, 85,
    27, -66, 111, 120, 54, -26,
    -42, -27, -112, -109, -8, -37,
};

/* 6 x 6 */
static const int8_t lstm_int8_cmsis_zero_points_R_o[36] = {
    -100, 97, 3, 90, 8, -58,
    -118, 92, -102, -41, 44, 89,
    82, 26, 102, 112, 33, -36,
    81, 87, -64, -110, -118, 65,
    28, -107, -84, -40, 26, 43,
    -102, 61, 119, 54, 70, 19,
};

/* 6 */
static const int32_t lstm_int8_cmsis_zero_points_b_i[6] = {
    3687, -2698, 1349, 6205, -3507, 10522,
};

/* 6 */
static const int32_t lstm_int8_cmsis_zero_points_b_f[6] = {
    -7843, 14172, -11007, 4678, -10594, 10044,
};

/* 6 */
static const int32_t lstm_int8_cmsis_zero_points_b_g[6] = {
    5981, 7631, 0, 4022, 4537, 825,
};

/* 6 */
static const int32_t lstm_int8_cmsis_zero_points_b_o[6] = {
    12880, 15394, -18535, -13823, -15079, 7069,
};

/* 2 x 8 x 5 */
static const int8_t lstm_int8_cmsis_zero_points_x[80] = {
    -83, -123, 124, -27, -21,
    -20, -72, 127, -51, 46,
    68, 55, 124, -98, -127,
    -50, 33, 53, -89, -62,
    0, 49, -34, -15, 63,
    -79, -5, -95, 38, 30,
    -49, -108, 64, 44, 57,
    76, 69, -12, 68, 56,
    62, -14, -48, -52, 29,
    -89, 25, -12, 19, 86,
    54, 121, -68, -123, -79,
    -4, 61, -85, 103, -72,
    -19, 73, 99, 97, -110,
    13, -56, -104, 91, 108,
    99, -38, -121, -28, -88,
    -49, 127, -79, -85, -88,
};

/* 2 x 6 */
static const int8_t lstm_int8_cmsis_zero_points_h0[12] = {
    127, 127, 127, 127, 127, 127,
    127, 127, 127, 127, 127, 127,
};

/* 2 x 6 */
static const int16_t lstm_int8_cmsis_zero_points_c0[12] = {
    0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0,
};

/* 2 x 8 x 6 */
static const int8_t lstm_int8_cmsis_zero_points_out[96] = {
    127, 92, 127, 127, 127, 127,
    127, 93, 127, 127, 127, 127,
    127, 76, 127, 127, 125, 127,
    127, 65, 127, 127, 122, 127,
    127, 99, 127, 127, 127, 127,
    127, 89, 127, 127, 127, 127,
    127, 99, 127, 127, 127, 127,
    127, 111, 127, 127, 127, 127,
    127, 111, 126, 127, 127, 127,
    127, 91, 124, 127, 127, 127,
    127, 78, 126, 127, 126, 127,
    88, 98, 119, 106, 127, 127,
    127, 76, 125, 121, 127, 127,
    127, 115, 122, 127, 127, 127,
    127, 102, 123, 115, 127, 127,
    97, 57, 125, 123, 126, 127,
};

/* 2 x 6 */
static const int8_t lstm_int8_cmsis_zero_points_h_n[12] = {
    127, 111, 127, 127, 127, 127,
    97, 57, 125, 123, 126, 127,
};

/* 2 x 6 */
static const int16_t lstm_int8_cmsis_zero_points_c_n[12] = {
    2805, -9761, 186, 772, 2173, 3361,
    -628, -8600, -2757, -783, -558, 1805,
};

#ifdef RNN_GOLDENS_H
static const rnn_goldens_integers lstm_int8_cmsis_zero_points_out_expected = {
    "lstm-int8-cmsis/zero-points", "out", 3, {2, 8, 6}, {"batch", "time step", "unit"},
    1, lstm_int8_cmsis_zero_points_out, 8,
};
static const rnn_goldens_integers lstm_int8_cmsis_zero_points_h_n_expected = {
    "lstm-int8-cmsis/zero-points", "h_n", 2, {2, 6}, {"batch", "unit"},
    -1, lstm_int8_cmsis_zero_points_h_n, 8,
};
static const rnn_goldens_integers lstm_int8_cmsis_zero_points_c_n_expected = {
    "lstm-int8-cmsis/zero-points", "c_n", 2, {2, 6}, {"batch", "unit"},
    -1, lstm_int8_cmsis_zero_points_c_n, 16,
};
#endif /* RNN_GOLDENS_H */

#endif /* LSTM_INT8_CMSIS_ZERO_POINTS_H */
