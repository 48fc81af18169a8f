#include "cells.h"
#include <string.h>
#include <tgmath.h> /* exp and tanh of the type of real */

const char *lstm_gates = "ifgo";

real sigmoid(real z)
{
    return 1 / (1 + exp(-z));
}

void affine(real *result, int rows, const real *matrix, int columns, const real *vector, const real *bias)
{
    for (int row = 0; row < rows; row++) {
        real sum = 0;
        for (int column = 0; column < columns; column++)
            sum += matrix[row * columns + column] * vector[column];
        result[row] = sum + bias[row];
    }
}

static void lstm_step(const struct layer *layer, const real *x, real *h, real *c)
{
    int units = layer->units;
    real z[4 * MAX_UNITS], from_h[4 * MAX_UNITS], *gate[128];
    for (int k = 0; k < 4; k++)
        gate[(int)lstm_gates[k]] = z + k * units;

    affine(z, 4 * units, layer->weight_ih, layer->size, x, layer->bias_ih);
    affine(from_h, 4 * units, layer->weight_hh, units, h, layer->bias_hh);
    for (int row = 0; row < 4 * units; row++)
        z[row] += from_h[row];
    for (int unit = 0; unit < units; unit++) {
        real i = sigmoid(gate['i'][unit]), f = sigmoid(gate['f'][unit]);
        real g = tanh(gate['g'][unit]), o = sigmoid(gate['o'][unit]);
        c[unit] = f * c[unit] + i * g;
        h[unit] = o * tanh(c[unit]);
    }
}

static void gru_step(const struct layer *layer, const real *x, real *h)
{
    int units = layer->units;
    real from_x[3 * MAX_UNITS], from_h[3 * MAX_UNITS];

    affine(from_x, 3 * units, layer->weight_ih, layer->size, x, layer->bias_ih);
    affine(from_h, 3 * units, layer->weight_hh, units, h, layer->bias_hh);
    for (int unit = 0; unit < units; unit++) {
        real r = sigmoid(from_x[unit] + from_h[unit]);
        real z = sigmoid(from_x[units + unit] + from_h[units + unit]);
        real n = tanh(from_x[2 * units + unit] + r * from_h[2 * units + unit]);
        h[unit] = (1 - z) * n + z * h[unit];
    }
}

void run_layer(const struct layer *layer)
{
    for (int b = 0; b < layer->batch; b++) {
        real *h = layer->h + b * layer->units, *c = layer->c + b * layer->units;
        int length = layer->lengths[b] ? layer->lengths[b] : layer->steps;
        for (int step = b * layer->steps; step < b * layer->steps + length; step++) {
            if (layer->is_lstm)
                lstm_step(layer, layer->x + step * layer->size, h, c);
            else
                gru_step(layer, layer->x + step * layer->size, h);
            memcpy(layer->out + step * layer->units, h, layer->units * sizeof *h);
        }
    }
}
