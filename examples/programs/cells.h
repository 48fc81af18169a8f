/* A layer of an LSTM or a GRU, and the way back through an LSTM; the messages are in my_rnn.c. */
#include <stdbool.h>

#ifndef REAL
#define REAL float /* or cc -DREAL=double */
#endif
typedef REAL real;

enum { MOST_UNITS = 64 };

struct layer {
    bool is_lstm;
    int batch, steps, size, units;  /* size of x_t, units of h_t */
    real *weight_ih, *weight_hh;    /* (gates*units, size) and (gates*units, units), row by row */
    real *bias_ih, *bias_hh;        /* (gates*units), zeros in a network without biases */
    real *x, *out;                  /* (batch, steps, size) and (batch, steps, units) */
    real *h, *c;                    /* (batch, units), the state before and then after */
    real *lengths;                  /* (batch), or zeros, where all sequences have as many steps */
};

extern const char *lstm_gates; /* in which order they are in the rows of weights */

void run_layer(const struct layer *layer);

struct gradients {
    const real *out;                /* the cotangent of out, shaped as it */
    real *h, *c;                    /* (batch, units), the cotangent of the state after and then before */
    real *x, *weight_ih, *weight_hh;
    real *bias;                     /* of both: they are added, so their gradients are the same */
};

/* Adds to x and the weights, which begin with zeros. The layer has its state before; an LSTM's. */
void go_back(const struct layer *layer, const struct gradients *d);

real sigmoid(real z);
void affine(real *result, int rows, const real *matrix, int columns, const real *vector, const real *bias); /* matrix * vector + bias */
