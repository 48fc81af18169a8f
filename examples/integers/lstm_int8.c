/* The 8-bit LSTM of CMSIS-NN on plain C: one layer, any batch. `port.py` checks it against goldens. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { I, F, G, O };

typedef struct {
    int32_t batch, time, inputs, units;
    int32_t x_zero, h_zero, cell_power, cell_clip;
    int32_t W_multiplier[4], W_shift[4], R_multiplier[4], R_shift[4], h_multiplier, h_shift;
} parameters;

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static int64_t to_16_bits(int64_t x)
{
    return clamp(x, -32768, 32767);
}

static int64_t half_up(int64_t x, int n)
{
    return n ? (x + ((int64_t)1 << (n - 1))) >> n : x;
}

static int64_t half_away(int64_t x, int n)
{
    return x < 0 ? -half_up(-x, n) : half_up(x, n);
}

/* x * m * 2^(s - 31), rounded to 31 bits and once more after a shift to the right */
static int64_t scaled(int64_t x, int32_t m, int32_t s)
{
    return half_away(half_up(x * ((int64_t)1 << (s > 0 ? s : 0)) * m, 31), s < 0 ? -s : 0);
}

static int64_t over(int64_t x, int n)
{
    return scaled(x, 1 << 30, 1 - n);
}

/* Fills a table, constant on a device: sigmoid(k / 24) in Q0.16, raised by half of what a chord to the next loses. */
void sigmoid_table(int32_t *table)
{
    for (int k = 0; k < 256; k++) {
        double y = 1 / (1 + exp(-k / 24.0));
        table[k] = k < 255 ? (int32_t)lround(65536 * (y + y * (1 - y) * (2 * y - 1) / 9216)) : 65535;
    }
}

/* sigmoid(a / (24 * 2^n)) in Q0.(16 + n) */
static int64_t interpolated(const int32_t *table, int64_t a, int n)
{
    int64_t k = a >> n, one = (int64_t)1 << n;
    return k >= 255 ? 65535 * one : table[k] * one + (a - k * one) * (table[k + 1] - table[k]);
}

static int64_t sigmoid(const int32_t *table, int64_t q)
{
    int64_t y = half_up(interpolated(table, llabs(3 * q), 9), 10);
    return q >= 0 ? y : 32768 - y;
}

static int64_t tanh_of(const int32_t *table, int64_t q, int power)
{
    int shift = power + 12;
    int64_t x = shift >= 0 ? 3 * q * ((int64_t)1 << shift) : half_up(3 * q, -shift);
    int64_t y = half_up(interpolated(table, llabs(x), 8), 8) - 32768;
    return x >= 0 ? y : -y;
}

/* Gate k of unit j, before its activation */
static int64_t gate(const parameters *p, int k, int j, const int8_t *W, const int8_t *R, const int32_t *b,
                    const int8_t *x, const int8_t *h)
{
    int64_t of_x = b[j], of_h = 0;
    for (int n = 0; n < p->inputs; n++)
        of_x += W[j * p->inputs + n] * (x[n] - p->x_zero);
    for (int n = 0; n < p->units; n++)
        of_h += R[j * p->units + n] * (h[n] - p->h_zero);
    return to_16_bits(to_16_bits(scaled(of_x, p->W_multiplier[k], p->W_shift[k])) +
                      scaled(of_h, p->R_multiplier[k], p->R_shift[k]));
}

/* Writes out (batch, time, units), and h and c (batch, units) over the initial ones. W, R and b: of the gates i, f, g, o. */
void lstm_int8(const parameters *p, const int32_t *table, const int8_t *const W[4], const int8_t *const R[4],
               const int32_t *const b[4], const int8_t *x, int8_t *h, int16_t *c, int8_t *out)
{
    for (int row = 0; row < p->batch; row++, h += p->units, c += p->units) {
        for (int t = 0; t < p->time; t++, x += p->inputs, out += p->units) {
            for (int j = 0; j < p->units; j++) {
                int64_t g[4], kept, added, output;
                for (int k = I; k <= O; k++)
                    g[k] = gate(p, k, j, W[k], R[k], b[k], x, h);
                kept = to_16_bits(over(sigmoid(table, g[F]) * c[j], 15));
                added = to_16_bits(over(sigmoid(table, g[I]) * tanh_of(table, g[G], -12), 30 + p->cell_power));
                c[j] = (int16_t)to_16_bits(kept + added);
                if (p->cell_clip)
                    c[j] = (int16_t)clamp(c[j], -p->cell_clip, p->cell_clip);
                output = sigmoid(table, g[O]) * tanh_of(table, c[j], p->cell_power);
                out[j] = (int8_t)clamp(scaled(output, p->h_multiplier, p->h_shift) + p->h_zero, -128, 127);
            }
            for (int j = 0; j < p->units; j++)
                h[j] = out[j];
        }
    }
}
