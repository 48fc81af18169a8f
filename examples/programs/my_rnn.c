/* An LSTM and a GRU as a program: rnn-goldens check -- ./my_rnn. The arithmetic is in cells.c and, for the gradients
   of the LSTM, in backward.c. */
#include "cells.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of an array in a message, or zeros if the message does not have the array. */
static real *numbers(json_t *arrays, const char *name, int count)
{
    json_t *number, *data = json_object_get(json_object_get(arrays, name), "data");
    real *values = calloc(count, sizeof *values);
    size_t k;
    if (!values)
        exit(1);
    json_array_foreach(data, k, number) values[k] = json_number_value(number);
    return values;
}

static json_t *array(json_t *shape, const real *values)
{
    json_t *size, *data = json_array();
    size_t k;
    json_int_t count = 1;
    json_array_foreach(shape, k, size) count *= json_integer_value(size);
    for (json_int_t n = 0; n < count; n++)
        json_array_append_new(data, isfinite(values[n]) ? json_real(values[n]) : json_null());
    return json_pack("{s:o, s:o}", "shape", shape, "data", data);
}

/* Values as an array with the shape of an array in a message; NULL if the message does not have that array. */
static json_t *like(json_t *arrays, const char *name, const real *values)
{
    json_t *shape = json_object_get(json_object_get(arrays, name), "shape");
    return shape ? array(json_incref(shape), values) : NULL;
}

static json_t *hello(void)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:[s, s], s:[s, s, s, s], s:[s]}", "answer", "hello", "protocol", 2,
                     "name", "my_rnn.c", "version", "compiled by " __VERSION__, "cells", "lstm", "gru",
                     "features", "bias", "state", "lengths", "gradients",
                     "precisions", sizeof(real) == sizeof(float) ? "float32" : "float64");
}

static json_t *unsupported(int id, const char *reason)
{
    return json_pack("{s:s, s:i, s:s}", "answer", "unsupported", "id", id, "reason", reason);
}

static json_t *outputs(const struct layer *layer, int id)
{
    int B = layer->batch, T = layer->steps, H = layer->units;
    run_layer(layer);
    return json_pack("{s:s, s:i, s:o, s:o, s:o*}", "answer", "outputs", "id", id,
                     "out", array(json_pack("[i, i, i]", B, T, H), layer->out),
                     "h_n", array(json_pack("[i, i, i]", 1, B, H), layer->h),
                     "c_n", layer->is_lstm ? array(json_pack("[i, i, i]", 1, B, H), layer->c) : NULL);
}

static json_t *gradients(const struct layer *layer, int id, json_t *weights, json_t *inputs, json_t *cotangents)
{
    int B = layer->batch, T = layer->steps, I = layer->size, H = layer->units;
    real *out = numbers(cotangents, "d_out", B * T * H);
    real *h = numbers(cotangents, "d_h_n", B * H), *c = numbers(cotangents, "d_c_n", B * H);
    real *x = numbers(NULL, "", B * T * I), *bias = numbers(NULL, "", 4 * H);
    real *w_ih = numbers(NULL, "", 4 * H * I), *w_hh = numbers(NULL, "", 4 * H * H);
    go_back(layer, &(struct gradients){out, h, c, x, w_ih, w_hh, bias});
    json_t *answer = json_pack("{s:s, s:i, s:{s:o, s:o*, s:o*, s:o, s:o, s:o*, s:o*}}", "answer", "gradients", "id", id,
                               "gradients", "x", like(inputs, "x", x), "h0", like(inputs, "h0", h),
                               "c0", like(inputs, "c0", c), "weight_ih_l0", like(weights, "weight_ih_l0", w_ih),
                               "weight_hh_l0", like(weights, "weight_hh_l0", w_hh),
                               "bias_ih_l0", like(weights, "bias_ih_l0", bias),
                               "bias_hh_l0", like(weights, "bias_hh_l0", bias));
    real *done[] = {out, h, c, x, bias, w_ih, w_hh};
    for (size_t k = 0; k < sizeof done / sizeof *done; k++)
        free(done[k]);
    return answer;
}

static json_t *run(json_t *request)
{
    int id, B, T, I, H;
    const char *cell;
    json_t *weights, *inputs;
    json_error_t why;
    if (json_unpack_ex(request, &why, 0, "{s:i, s:s, s:{s:i}, s:o, s:o, s:{s:{s:[i, i, i]}}}", "id", &id, "cell", &cell,
                       "config", "hidden_size", &H, "weights", &weights, "inputs", &inputs,
                       "inputs", "x", "shape", &B, &T, &I)) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    json_t *cotangents = json_object_get(request, "cotangents"); /* present if gradients are requested */
    if (H > MAX_UNITS)
        return unsupported(id, "more than 64 units");
    if (cotangents && strcmp(cell, "lstm"))
        return unsupported(id, "gradients of an LSTM alone");

    bool is_lstm = !strcmp(cell, "lstm");
    int rows = (is_lstm ? 4 : 3) * H;
    real *w_ih = numbers(weights, "weight_ih_l0", rows * I), *b_ih = numbers(weights, "bias_ih_l0", rows);
    real *w_hh = numbers(weights, "weight_hh_l0", rows * H), *b_hh = numbers(weights, "bias_hh_l0", rows);
    real *x = numbers(inputs, "x", B * T * I), *h = numbers(inputs, "h0", B * H), *c = numbers(inputs, "c0", B * H);
    real *lengths = numbers(inputs, "lengths", B), *out = numbers(inputs, "", B * T * H);
    struct layer layer = {is_lstm, B, T, I, H, w_ih, w_hh, b_ih, b_hh, x, out, h, c, lengths};
    json_t *answer = cotangents ? gradients(&layer, id, weights, inputs, cotangents) : outputs(&layer, id);

    real *done[] = {w_ih, b_ih, w_hh, b_hh, x, h, c, lengths, out};
    for (size_t k = 0; k < sizeof done / sizeof *done; k++)
        free(done[k]);
    return answer;
}

int main(int argc, char **argv)
{
    json_t *request, *answer;
    if (argc > 1 && strcmp(argv[1], "--gates=iofg"))
        return fputs("usage: my_rnn [--gates=iofg]\n", stderr), 2;
    if (argc > 1)
        lstm_gates = "iofg"; /* ONNX's order, to show that it is detected */
    while ((request = json_loadf(stdin, JSON_DISABLE_EOF_CHECK, NULL))) {
        answer = json_object_get(request, "id") ? run(request) : hello();
        json_dumpf(answer, stdout, JSON_COMPACT);
        puts("");
        fflush(stdout);
        json_decref(answer);
        json_decref(request);
    }
    return 0;
}
