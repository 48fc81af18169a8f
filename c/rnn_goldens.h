/* rnn_goldens.h: compares arrays with a golden of rnn-goldens, each element with its own tolerance. C99 or C++17.
 *
 *     #include "rnn_goldens.h"
 *     #include "lstm_plain.h"
 *     int wrong = rnn_goldens_check_float(&lstm_plain_out_expected, out);
 *
 * Include this header before the goldens. A golden's header then defines lstm_plain_out_expected, lstm_plain_h_n_expected
 * and so on. A check prints one line about an output with wrong elements, and returns their number; NaN is wrong.
 *
 * The goldens are exported by `rnn-goldens export lstm/plain --to c --dtype float32 FOLDER`, with this file.
 */
#ifndef RNN_GOLDENS_H
#define RNN_GOLDENS_H

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "rnn_goldens.h needs a compiler that keeps NaN: leave out -ffast-math, -ffinite-math-only for the file that checks"
#endif

#include <math.h>
#include <stdio.h>

#define RNN_GOLDENS_MAX_AXES 6

/* An expected output. Arrays are flat, the last axis runs fastest. */
typedef struct {
    const char *golden;                     /* "lstm/plain" */
    const char *name;                       /* "out" */
    int axes;                               /* number of axes */
    int shape[RNN_GOLDENS_MAX_AXES];        /* {2, 4, 3} */
    const char *axis[RNN_GOLDENS_MAX_AXES]; /* {"batch", "time step", "unit"} */
    int time_axis;                          /* -1 if no axis is time */
    int reverse_from;        /* the first unit of the reverse direction on the last axis; 0 if there is none */
    const int *lengths;      /* the length of the sequence in each batch row; NULL if all have every time step */
    const double *values;    /* the exact results, rounded once to double */
    const double *tolerance; /* the largest allowed absolute error of each element */
} rnn_goldens_expected;

/* The result of comparing one output. */
typedef struct {
    int size;             /* number of elements */
    int wrong;            /* number of elements outside their tolerance, NaN included */
    int first;            /* index of the wrong element that is computed first; -1 if none is wrong */
    double got;           /* its value */
    double largest_error; /* as a fraction of the tolerance: at most 1 if no element is wrong; NaN if one is NaN */
} rnn_goldens_verdict;

static inline int rnn_goldens_size(const rnn_goldens_expected *expected)
{
    int axis, size = 1;
    for (axis = 0; axis < expected->axes; axis++)
        size *= expected->shape[axis];
    return size;
}

/* Returns the index along an axis of an element, given its index in memory. */
static inline int rnn_goldens_index(const rnn_goldens_expected *expected, int element, int axis)
{
    int last;
    for (last = expected->axes - 1; last > axis; last--)
        element /= expected->shape[last];
    return element % expected->shape[axis];
}

/* Returns 1 if an element belongs to the reverse direction. */
static inline int rnn_goldens_is_reverse(const rnn_goldens_expected *expected, int element)
{
    int last = expected->axes - 1;
    return expected->reverse_from && rnn_goldens_index(expected, element, last) >= expected->reverse_from;
}

/* Returns when an element is computed: its time step, counted in the order of its direction. */
static inline int rnn_goldens_when(const rnn_goldens_expected *expected, int element)
{
    int step, length;
    if (expected->time_axis < 0)
        return 0;
    step = rnn_goldens_index(expected, element, expected->time_axis);
    length = expected->lengths ? expected->lengths[rnn_goldens_index(expected, element, 0)]
                               : expected->shape[expected->time_axis];
    return rnn_goldens_is_reverse(expected, element) && step < length ? length - 1 - step : step;
}

/* Returns the comparison of all numbers, read by `at(got, index)`. */
static inline rnn_goldens_verdict rnn_goldens_compare(const rnn_goldens_expected *expected, const void *got,
                                                      double (*at)(const void *, int))
{
    rnn_goldens_verdict found = {0, 0, -1, 0, 0};
    int k;
    found.size = rnn_goldens_size(expected);
    for (k = 0; k < found.size; k++) {
        double value = at(got, k), error = fabs(value - expected->values[k]);
        double fraction = error == 0 ? 0 : error / expected->tolerance[k];
        if (found.largest_error == found.largest_error && !(fraction <= found.largest_error))
            found.largest_error = fraction;
        if (error <= expected->tolerance[k])
            continue;
        if (!found.wrong++ || rnn_goldens_when(expected, k) < rnn_goldens_when(expected, found.first)) {
            found.first = k;
            found.got = value;
        }
    }
    return found;
}

static inline double rnn_goldens_float_at(const void *array, int index)
{
    return ((const float *)array)[index];
}

static inline double rnn_goldens_double_at(const void *array, int index)
{
    return ((const double *)array)[index];
}

/* Return the comparison of an output, without printing. */
static inline rnn_goldens_verdict rnn_goldens_compare_float(const rnn_goldens_expected *expected, const float *got)
{
    return rnn_goldens_compare(expected, got, rnn_goldens_float_at);
}

static inline rnn_goldens_verdict rnn_goldens_compare_double(const rnn_goldens_expected *expected, const double *got)
{
    return rnn_goldens_compare(expected, got, rnn_goldens_double_at);
}

/* Prints one line if elements are wrong, and returns their number. */
static inline int rnn_goldens_print(const rnn_goldens_expected *expected, rnn_goldens_verdict found)
{
    int axis, index, reverse;
    if (!found.wrong)
        return 0;
    reverse = rnn_goldens_is_reverse(expected, found.first);
    printf("%s: %s: %d of %d elements are wrong; first at ", expected->golden, expected->name, found.wrong, found.size);
    for (axis = 0; axis < expected->axes; axis++) {
        index = rnn_goldens_index(expected, found.first, axis);
        if (reverse && axis == expected->axes - 1)
            index -= expected->reverse_from;
        printf("%s%s %d", axis ? ", " : "", expected->axis[axis], index);
    }
    printf("%s: got %.9g, want %.9g, allowed is %.3g\n", reverse ? ", reverse direction" : "", found.got,
           expected->values[found.first], expected->tolerance[found.first]);
    return found.wrong;
}

/* Compare an output, print one line if elements are wrong, and return their number. */
static inline int rnn_goldens_check_float(const rnn_goldens_expected *expected, const float *got)
{
    return rnn_goldens_print(expected, rnn_goldens_compare_float(expected, got));
}

static inline int rnn_goldens_check_double(const rnn_goldens_expected *expected, const double *got)
{
    return rnn_goldens_print(expected, rnn_goldens_compare_double(expected, got));
}

/* An expected output of an integer LSTM, every bit of which is defined. Comparing uses no floating point. */
typedef struct {
    const char *golden;                     /* "lstm-int8-cmsis/plain" */
    const char *name;                       /* "out" */
    int axes;                               /* number of axes */
    int shape[RNN_GOLDENS_MAX_AXES];        /* {2, 8, 6} */
    const char *axis[RNN_GOLDENS_MAX_AXES]; /* {"batch", "time step", "unit"} */
    int time_axis;                          /* -1 if no axis is time */
    const void *values;                     /* of the type that the golden's array has */
    int bits;                               /* of that type: 8 or 16 */
} rnn_goldens_integers;

/* Returns the index along an axis of an element, given its index in memory. */
static inline int rnn_goldens_integer_index(const rnn_goldens_integers *expected, int element, int axis)
{
    int last;
    for (last = expected->axes - 1; last > axis; last--)
        element /= expected->shape[last];
    return element % expected->shape[axis];
}

/* Returns an element of an array of 8 or 16 bits. */
static inline int rnn_goldens_integer_at(const void *array, int bits, int element)
{
    return bits == 8 ? ((const signed char *)array)[element] : ((const short *)array)[element];
}

/* Prints one line if elements differ, with the one that is computed first; returns their number, or -1 for a wrong type. */
static inline int rnn_goldens_check_integers(const rnn_goldens_integers *expected, const void *got, int bits)
{
    int axis, k, size = 1, wrong = 0, first = 0, step = 0, now;
    if (bits != expected->bits) {
        printf("%s: %s has %d bits, not %d\n", expected->golden, expected->name, expected->bits, bits);
        return -1;
    }
    for (axis = 0; axis < expected->axes; axis++)
        size *= expected->shape[axis];
    for (k = 0; k < size; k++) {
        if (rnn_goldens_integer_at(got, bits, k) == rnn_goldens_integer_at(expected->values, bits, k))
            continue;
        now = expected->time_axis < 0 ? 0 : rnn_goldens_integer_index(expected, k, expected->time_axis);
        if (!wrong++ || now < step) {
            first = k;
            step = now;
        }
    }
    if (!wrong)
        return 0;
    printf("%s: %s: %d of %d elements are wrong; first at ", expected->golden, expected->name, wrong, size);
    for (axis = 0; axis < expected->axes; axis++)
        printf("%s%s %d", axis ? ", " : "", expected->axis[axis], rnn_goldens_integer_index(expected, first, axis));
    printf(": got %d, want %d\n", rnn_goldens_integer_at(got, bits, first),
           rnn_goldens_integer_at(expected->values, bits, first));
    return wrong;
}

/* Compare an output of an integer LSTM; in C99, int8_t is signed char and int16_t is short. */
static inline int rnn_goldens_check_int8(const rnn_goldens_integers *expected, const signed char *got)
{
    return rnn_goldens_check_integers(expected, got, 8);
}

static inline int rnn_goldens_check_int16(const rnn_goldens_integers *expected, const short *got)
{
    return rnn_goldens_check_integers(expected, got, 16);
}

#endif /* RNN_GOLDENS_H */
