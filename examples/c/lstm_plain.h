/* lstm/plain in float32, a golden of rnn-goldens.
 *
 * Two different biases, no initial state: detects a bias that is dropped, doubled or moved.
 *
 * Cell lstm, input_size=4, hidden_size=3, num_layers=1, bidirectional=False, bias=True. Rows of weights: the
 * gates i, f, g, o, hidden_size rows each.
 *
 * Arrays are flat, the last axis runs fastest. Axes: x: (batch, time, input); h0, c0, h_n, c_n: (layer,
 * batch, unit); out: (batch, time, unit).
 *
 * Weights, inputs and states are float32 numbers. Expected values are exact results, rounded once to double.
 * Each element has a tolerance: a result is wrong if !(fabs(got - expected) <= tolerance). rnn_goldens.h
 * compares outputs, if it is included before this file.
 */
#ifndef LSTM_PLAIN_H
#define LSTM_PLAIN_H

#define LSTM_PLAIN_BATCH 2
#define LSTM_PLAIN_TIME 4
#define LSTM_PLAIN_INPUT 4
#define LSTM_PLAIN_HIDDEN 3
#define LSTM_PLAIN_LAYERS 1
#define LSTM_PLAIN_DIRECTIONS 1
#define LSTM_PLAIN_HAS_BIAS 1
#define LSTM_PLAIN_HAS_STATE 0
#define LSTM_PLAIN_HAS_LENGTHS 0

/* 12 x 4 */
static const float lstm_plain_weight_ih_l0[48] = {
    0x1.cp-2f, -0x1.88p-1f, 0x1p-4f, -0x1p-3f,
    -0x1.3p-1f, -0x1.28p-1f, 0x1.bp-1f, -0x1.88p-1f,
    0x1.88p-1f, -0x1p-3f, 0x1.2p-1f, -0x1.bp-2f,
    0x1.2p-2f, 0x1.2p-1f, 0x1.a8p-1f, -0x1.68p-1f,
    -0x1.4p-1f, -0x1.8p-4f, 0x1.4p-4f, 0x1.bp-2f,
    0x1.fp-2f, 0x1.8p-4f, 0x1p-3f, -0x1.38p-1f,
    0x1.98p-1f, -0x1.4p-3f, -0x1.68p-1f, 0x1.6p-2f,
    -0x1.1p-2f, -0x1p-5f, 0x1.9p-1f, 0x1.3p-1f,
    -0x1p-6f, 0x1p-4f, -0x1.1p-2f, -0x1.8p-2f,
    0x1.48p-1f, 0x1.6p-1f, -0x1.bp-2f, -0x1.cp-1f,
    0x1.bp-1f, -0x1.3p-2f, 0x1.58p-1f, -0x1.ep-3f,
    0x1.cp-4f, 0x1p-4f, -0x1.bp-1f, -0x1.8p-3f,
};

/* 12 x 3 */
static const float lstm_plain_weight_hh_l0[36] = {
    -0x1.58p-1f, 0x1p-2f, 0x1.1p-1f,
    0x1.ep-3f, 0x1.cp-4f, 0x1.ep-2f,
    0x1.08p-1f, -0x1.8p-3f, -0x1.ap-3f,
    0x1.3p-2f, -0x1.88p-1f, -0x1.5p-1f,
    0x1.4p-4f, -0x1p-1f, -0x1.08p-1f,
    0x1.a8p-1f, 0x1.6p-2f, -0x1.98p-1f,
    -0x1.98p-1f, -0x1.6p-2f, -0x1.cp-4f,
    -0x1.8p-2f, 0x1.ap-1f, -0x1.8p-3f,
    -0x1.bp-2f, 0x1.ap-2f, 0x1.cp-4f,
    0x1.8p-2f, 0x1.88p-1f, 0x1.3p-1f,
    0x1.4p-2f, 0x1.bp-2f, 0x1.2p-3f,
    0x1.6p-3f, 0x1p-1f, 0x1.6p-3f,
};

/* 12 */
static const float lstm_plain_bias_ih_l0[12] = {
    0x1.78p-1f, -0x1.1p-1f, 0x1.88p-1f, 0x1.7p-2f, 0x1p-3f, 0x1p-5f, -0x1.cp-3f, -0x1.fp-2f, -0x1.cp-1f,
    0x1.18p-1f, -0x1.ep-2f, 0x1p-4f,
};

/* 12 */
static const float lstm_plain_bias_hh_l0[12] = {
    0x1.fp-2f, 0x1.6p-2f, 0x1.7p-1f, -0x1.cp-2f, -0x1.08p-1f, 0x1.8p-4f, 0x1p-4f, 0x1.4p-3f, 0x1.4p-4f,
    0x1.fp-2f, -0x1.cp-2f, -0x1.8p-5f,
};

/* 2 x 4 x 4 */
static const float lstm_plain_x[32] = {
    0x1.bp-1f, -0x1p-5f, 0x1.a8p-1f, 0x1.cp-1f,
    -0x1.98p-1f, -0x1.18p+0f, 0x1.6p+0f, -0x1.2cp+0f,
    -0x1.fp-1f, -0x1.fp-1f, 0x1.c8p-1f, 0x1.54p+0f,
    0x1.ep-1f, 0x1.ep-1f, 0x1.2p-3f, -0x1p-5f,
    -0x1.bp-1f, -0x1.cp-2f, 0x1.28p-1f, 0x1.08p-1f,
    -0x1.7p-2f, -0x1.c8p-1f, 0x1.18p-1f, -0x1.04p+0f,
    0x1.8p-3f, 0x1.28p-1f, 0x1.7p+0f, 0x1.68p-1f,
    -0x1.4p-1f, 0x1p-6f, -0x1.2p-1f, -0x1.a8p-1f,
};

/* 2 x 4 x 3 */
static const double lstm_plain_out[24] = {
    0x1.dc871029ca8acp-4, 0x1.9e19cf47af817p-4, -0x1.af1d7336d2c6ap-3,
    -0x1.4f7f65e30562dp-2, 0x1.9c827ddaca988p-3, -0x1.b56ebff879af9p-3,
    -0x1.3cad20af8b62ap-4, 0x1.54780d7f325e2p-3, -0x1.56d4b82c6d72cp-3,
    -0x1.93bf36df905b1p-3, 0x1.1897dc190951dp-4, -0x1.b596cee2db64cp-2,
    -0x1.908d0da16bbfcp-3, 0x1.5613f49a385dbp-4, -0x1.6fb3218334003p-3,
    -0x1.043be0de4e17ap-1, -0x1.fad644cdfbf18p-8, -0x1.14e34a86c5892p-2,
    -0x1.84a997e07332ap-2, 0x1.3d3a0b9338767p-3, -0x1.404c8bc7e971ap-3,
    -0x1.e09845f5c8096p-2, -0x1.056e38567d05ap-5, -0x1.7a4f4ad85f578p-2,
};

/* 1 x 2 x 3 */
static const double lstm_plain_h_n[6] = {
    -0x1.93bf36df905b1p-3, 0x1.1897dc190951dp-4, -0x1.b596cee2db64cp-2,
    -0x1.e09845f5c8096p-2, -0x1.056e38567d05ap-5, -0x1.7a4f4ad85f578p-2,
};

/* 1 x 2 x 3 */
static const double lstm_plain_c_n[6] = {
    -0x1.c5e042dc8362dp-3, 0x1.46b2897e1584ep-3, -0x1.220fa9538e12ap+0,
    -0x1.4faba242772aap-1, -0x1.ac4dc3b54ceedp-3, -0x1.52fbc9f396d11p-1,
};

/* 2 x 4 x 3 */
static const double lstm_plain_out_tolerance[24] = {
    0x1.689c871029ca9p-20, 0x1.06fe19cf47af8p-20, 0x1.eb3c75ccdb4b2p-21,
    0x1.2a5efecbc60acp-19, 0x1.3b9c827ddacaap-19, 0x1.466add7ff0f36p-20,
    0x1.12fcad20af8b6p-20, 0x1.95e8f01afe64cp-20, 0x1.646da97058daep-20,
    0x1.2fc9df9b6fc83p-18, 0x1.a5d897dc19095p-20, 0x1.05eb2d9dc5b6dp-19,
    0x1.24e11a1b42d78p-20, 0x1.6e2c27e93470cp-21, 0x1.debecc860cdp-21,
    0x1.3290ef8379386p-19, 0x1.9e1fad644cdfcp-20, 0x1.a0538d2a1b162p-20,
    0x1.4e89532fc0e66p-19, 0x1.f67a74172670fp-20, 0x1.2ac099178fd2ep-20,
    0x1.eec1308beb901p-19, 0x1.a8456e38567dp-21, 0x1.cb749e95b0bebp-19,
};

/* 1 x 2 x 3 */
static const double lstm_plain_h_n_tolerance[6] = {
    0x1.2fc9df9b6fc83p-18, 0x1.a5d897dc19095p-20, 0x1.05eb2d9dc5b6dp-19,
    0x1.eec1308beb901p-19, 0x1.a8456e38567dp-21, 0x1.cb749e95b0bebp-19,
};

/* 1 x 2 x 3 */
static const double lstm_plain_c_n_tolerance[6] = {
    0x1.3022f0216e41bp-18, 0x1.8186b2897e158p-19, 0x1.a0083ea54e385p-18,
    0x1.4b5f574484ee5p-18, 0x1.ffac4dc3b54cfp-19, 0x1.b125f793e72dap-18,
};

#ifdef RNN_GOLDENS_H
static const rnn_goldens_expected lstm_plain_out_expected = {
    "lstm/plain", "out", 3, {2, 4, 3}, {"batch", "time step", "unit"},
    1, 0, NULL, lstm_plain_out, lstm_plain_out_tolerance,
};
static const rnn_goldens_expected lstm_plain_h_n_expected = {
    "lstm/plain", "h_n", 3, {1, 2, 3}, {"layer", "batch", "unit"},
    -1, 0, NULL, lstm_plain_h_n, lstm_plain_h_n_tolerance,
};
static const rnn_goldens_expected lstm_plain_c_n_expected = {
    "lstm/plain", "c_n", 3, {1, 2, 3}, {"layer", "batch", "unit"},
    -1, 0, NULL, lstm_plain_c_n, lstm_plain_c_n_tolerance,
};
#endif /* RNN_GOLDENS_H */

#endif /* LSTM_PLAIN_H */
