/* A layer of an LSTM or a GRU, and the backward pass of an LSTM; my_rnn.c has the messages. */
#include <stdbool.h>

#ifndef REAL
#define REAL float /* or cc -DREAL=double */
#endif
typedef REAL real;

enum { MAX_UNITS = 64 };

struct layer {
    bool is_lstm;
    int batch, steps, size, units;  /* size of x_t, units of h_t */
    real *weight_ih, *weight_hh;    /* (gates*units, size) and (gates*units, units), row by row */
    real *bias_ih, *bias_hh;        /* (gates*units), zeros in a network without biases */
    real *x, *out;                  /* (batch, steps, size) and (batch, steps, units) */
    real *h, *c;                    /* (batch, units), the initial state, then the final one */
    real *lengths;                  /* (batch), or zeros if all sequences have all steps */
};

extern const char *lstm_gates; /* the order of the gates in the rows of weights */

void run_layer(const struct layer *layer);

struct gradients {
    const real *out;                /* the cotangent of out, with its shape */
    real *h, *c;                    /* (batch, units), the cotangent of the final state, then of the initial one */
    real *x, *weight_ih, *weight_hh;
    real *bias;                     /* of both biases: they are added, so their gradients are equal */
};

/* Backward pass of an LSTM layer with its initial state; adds to x and the weights, which start as zeros. */
void go_back(const struct layer *layer, const struct gradients *d);

real sigmoid(real z);
void affine(real *result, int rows, const real *matrix, int columns, const real *vector, const real *bias); /* matrix * vector + bias */
