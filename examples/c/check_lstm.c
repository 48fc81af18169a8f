/* An LSTM without libraries that checks itself: cc -std=c99 -I../../c -o check_lstm check_lstm.c -lm && ./check_lstm
 *
 * lstm_plain.h is a golden, and rnn_goldens.h compares; replace this LSTM by yours. Exit code 0: correct. 1: wrong.
 */
#include "rnn_goldens.h"
#include "lstm_plain.h"

enum { B = LSTM_PLAIN_BATCH, T = LSTM_PLAIN_TIME, I = LSTM_PLAIN_INPUT, H = LSTM_PLAIN_HIDDEN };

static float sigmoid(float z)
{
    return 1 / (1 + expf(-z));
}

/* The sum of one row of both matrices and both biases. */
static float gate(int row, const float *x, const float *h)
{
    float sum = lstm_plain_bias_ih_l0[row] + lstm_plain_bias_hh_l0[row];
    int k;
    for (k = 0; k < I; k++)
        sum += lstm_plain_weight_ih_l0[row * I + k] * x[k];
    for (k = 0; k < H; k++)
        sum += lstm_plain_weight_hh_l0[row * H + k] * h[k];
    return sum;
}

/* One time step of one sequence: updates h and c. */
static void step(const float *x, float *h, float *c)
{
    float before[H];
    int u;
    for (u = 0; u < H; u++)
        before[u] = h[u];
    for (u = 0; u < H; u++) {
        float i = sigmoid(gate(u, x, before)), f = sigmoid(gate(H + u, x, before));
        float g = tanhf(gate(2 * H + u, x, before)), o = sigmoid(gate(3 * H + u, x, before));
        c[u] = f * c[u] + i * g;
        h[u] = o * tanhf(c[u]);
    }
}

int main(void)
{
    static float out[B * T * H], h[B * H], c[B * H]; /* zeros: this golden has no initial state */
    int b, t, u, count = 0;
    for (b = 0; b < B; b++)
        for (t = 0; t < T; t++) {
            step(lstm_plain_x + (b * T + t) * I, h + b * H, c + b * H);
            for (u = 0; u < H; u++)
                out[(b * T + t) * H + u] = h[b * H + u];
        }
    count += rnn_goldens_check_float(&lstm_plain_out_expected, out);
    count += rnn_goldens_check_float(&lstm_plain_h_n_expected, h);
    count += rnn_goldens_check_float(&lstm_plain_c_n_expected, c);
    puts(count ? "lstm/plain failed" : "lstm/plain passed");
    return count ? 1 : 0;
}
