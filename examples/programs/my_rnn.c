/* An LSTM and a GRU as a program: rnn-goldens check -- ./my_rnn. Their arithmetic is in cells.c. */
#include "cells.h"
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The numbers of an array in a message, or of one with zeros where the message has none. */
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

static json_t *array(int rows, int columns, int units, const real *values)
{
    json_t *data = json_array();
    for (int k = 0; k < rows * columns * units; k++)
        json_array_append_new(data, isfinite(values[k]) ? json_real(values[k]) : json_null());
    return json_pack("{s:[i, i, i], s:o}", "shape", rows, columns, units, "data", data);
}

static json_t *hello(void)
{
    return json_pack("{s:s, s:i, s:s, s:s, s:[s, s], s:[s, s, s], s:[s]}", "answer", "hello", "protocol", 1,
                     "name", "my_rnn.c", "version", "compiled by " __VERSION__, "cells", "lstm", "gru",
                     "features", "bias", "state", "lengths",
                     "precisions", sizeof(real) == sizeof(float) ? "float32" : "float64");
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
    if (H > MOST_UNITS)
        return json_pack("{s:s, s:i, s:s}", "answer", "unsupported", "id", id, "reason", "more than 64 units");

    bool is_lstm = !strcmp(cell, "lstm");
    int rows = (is_lstm ? 4 : 3) * H;
    real *w_ih = numbers(weights, "weight_ih_l0", rows * I), *b_ih = numbers(weights, "bias_ih_l0", rows);
    real *w_hh = numbers(weights, "weight_hh_l0", rows * H), *b_hh = numbers(weights, "bias_hh_l0", rows);
    real *x = numbers(inputs, "x", B * T * I), *h = numbers(inputs, "h0", B * H), *c = numbers(inputs, "c0", B * H);
    real *lengths = numbers(inputs, "lengths", B), *out = numbers(inputs, "", B * T * H);
    run_layer(&(struct layer){is_lstm, B, T, I, H, w_ih, w_hh, b_ih, b_hh, x, out, h, c, lengths});
    json_t *answer = json_pack("{s:s, s:i, s:o, s:o, s:o*}", "answer", "outputs", "id", id, "out", array(B, T, H, out),
                               "h_n", array(1, B, H, h), "c_n", is_lstm ? array(1, B, H, c) : NULL);

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
        lstm_gates = "iofg"; /* ONNX's order, to see it found */
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
