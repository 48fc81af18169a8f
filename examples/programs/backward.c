/* Backward pass of an LSTM, from the last step to the first (BPTT). */
#include "cells.h"
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

/* Values of a step for the backward pass: the state before it, its gates, and tanh of the new c. */
struct step {
    real h[MAX_UNITS], c[MAX_UNITS];
    real i[MAX_UNITS], f[MAX_UNITS], g[MAX_UNITS], o[MAX_UNITS], tanh_c[MAX_UNITS];
};

static int rows_of(char gate, int units)
{
    return (strchr(lstm_gates, gate) - lstm_gates) * units;
}

static void forward(const struct layer *layer, const real *x, real *h, real *c, struct step *kept)
{
    int units = layer->units, rows = 4 * units;
    real z[4 * MAX_UNITS], from_h[4 * MAX_UNITS];
    memcpy(kept->h, h, units * sizeof *h);
    memcpy(kept->c, c, units * sizeof *c);
    affine(z, rows, layer->weight_ih, layer->size, x, layer->bias_ih);
    affine(from_h, rows, layer->weight_hh, units, h, layer->bias_hh);
    for (int row = 0; row < rows; row++)
        z[row] += from_h[row];
    for (int unit = 0; unit < units; unit++) {
        kept->i[unit] = sigmoid(z[rows_of('i', units) + unit]);
        kept->f[unit] = sigmoid(z[rows_of('f', units) + unit]);
        kept->g[unit] = tanh(z[rows_of('g', units) + unit]);
        kept->o[unit] = sigmoid(z[rows_of('o', units) + unit]);
        c[unit] = kept->f[unit] * c[unit] + kept->i[unit] * kept->g[unit];
        kept->tanh_c[unit] = tanh(c[unit]);
        h[unit] = kept->o[unit] * kept->tanh_c[unit];
    }
}

/* gradient += d_z outer vector, and d_vector += matrix transposed * d_z */
static void through_product(int rows, int width, const real *d_z, const real *matrix, const real *vector,
                            real *gradient, real *d_vector)
{
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < width; column++) {
            gradient[row * width + column] += d_z[row] * vector[column];
            d_vector[column] += matrix[row * width + column] * d_z[row];
        }
}

/* h and c are the cotangents of the state after the step, then of the state before it. */
static void step_back(const struct layer *layer, const struct step *kept, const struct gradients *d, const real *x,
                      real *d_x, real *h, real *c)
{
    int units = layer->units;
    real d_z[4 * MAX_UNITS];
    for (int unit = 0; unit < units; unit++) {
        real i = kept->i[unit], f = kept->f[unit], g = kept->g[unit], o = kept->o[unit], tanh_c = kept->tanh_c[unit];
        real d_c = c[unit] + h[unit] * o * (1 - tanh_c * tanh_c);
        d_z[rows_of('i', units) + unit] = d_c * g * i * (1 - i);
        d_z[rows_of('f', units) + unit] = d_c * kept->c[unit] * f * (1 - f);
        d_z[rows_of('g', units) + unit] = d_c * i * (1 - g * g);
        d_z[rows_of('o', units) + unit] = h[unit] * tanh_c * o * (1 - o);
        c[unit] = d_c * f;
        h[unit] = 0; /* the previous h acts only through the weights */
    }
    for (int row = 0; row < 4 * units; row++)
        d->bias[row] += d_z[row];
    through_product(4 * units, layer->size, d_z, layer->weight_ih, x, d->weight_ih, d_x);
    through_product(4 * units, units, d_z, layer->weight_hh, kept->h, d->weight_hh, h);
}

void go_back(const struct layer *layer, const struct gradients *d)
{
    int units = layer->units;
    struct step *kept = malloc(layer->steps * sizeof *kept);
    if (!kept)
        exit(1);
    for (int b = 0; b < layer->batch; b++) {
        int first = b * layer->steps, length = layer->lengths[b] ? layer->lengths[b] : layer->steps;
        real *h = d->h + b * units, *c = d->c + b * units;
        for (int t = 0; t < length; t++)
            forward(layer, layer->x + (first + t) * layer->size, layer->h + b * units, layer->c + b * units, kept + t);
        for (int t = length - 1; t >= 0; t--) {
            int step = first + t;
            for (int unit = 0; unit < units; unit++)
                h[unit] += d->out[step * units + unit];
            step_back(layer, kept + t, d, layer->x + step * layer->size, d->x + step * layer->size, h, c);
        }
    }
    free(kept);
}
