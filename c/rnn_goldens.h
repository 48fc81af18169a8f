/* rnn_goldens.h: compares arrays with a golden of rnn-goldens, each element with its own tolerance. C99, no library.
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
    const double *values;    /* the exact results, rounded once to double */
    const double *tolerance; /* the largest allowed absolute error of each element */
} rnn_goldens_expected;

/* The result of comparing one output. */
typedef struct {
    int size;            /* number of elements */
    int wrong;           /* number of elements outside their tolerance, NaN included */
    int first;           /* index of the wrong element with the earliest time step; -1 if none is wrong */
    double got;          /* its value */
    double error;        /* the largest error of any element; NaN if an element is NaN */
    double of_tolerance; /* the largest error as a fraction of its tolerance: at most 1 if no element is wrong */
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

/* Returns the comparison of `size` numbers, read by `at(got, index)`. */
static inline rnn_goldens_verdict rnn_goldens_compare(const rnn_goldens_expected *expected, const void *got,
                                                      double (*at)(const void *, int))
{
    rnn_goldens_verdict found = {0, 0, -1, 0, 0, 0};
    int k, time = 0;
    found.size = rnn_goldens_size(expected);
    for (k = 0; k < found.size; k++) {
        double value = at(got, k), error = fabs(value - expected->values[k]), allowed = expected->tolerance[k];
        double fraction = error == 0 ? 0 : error / allowed;
        int step = expected->time_axis < 0 ? 0 : rnn_goldens_index(expected, k, expected->time_axis);
        if (!(error <= found.error))
            found.error = error;
        if (!(fraction <= found.of_tolerance))
            found.of_tolerance = fraction;
        if (!(error <= allowed)) {
            if (!found.wrong++ || step < time) {
                found.first = k;
                found.got = value;
                time = step;
            }
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
    int axis;
    if (!found.wrong)
        return 0;
    printf("%s: %s: %d of %d elements are wrong; first at ", expected->golden, expected->name, found.wrong, found.size);
    for (axis = 0; axis < expected->axes; axis++)
        printf("%s%s %d", axis ? ", " : "", expected->axis[axis], rnn_goldens_index(expected, found.first, axis));
    printf(": got %.9g, want %.9g, allowed is %.3g\n", found.got, expected->values[found.first],
           expected->tolerance[found.first]);
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

#endif /* RNN_GOLDENS_H */
