// Checks ggml_gated_delta_net on the CPU against goldens of rnn-goldens: one test case each, with a tolerance for each
// element. ggml takes d_k = d_v, 1/sqrt(d_k) inside, a transposed state, and value head h reads key head h % n_key_heads.
//
//   rnn-goldens export 'gated-delta/*-steps' gated-delta/grouped-values gated-delta/small-updates goldens --to c
//       --dtype float32 --embed d_k=32,d_v=32
//
// Not here: goldens with a scale of their own, of several query heads for a head, and packed sequences.

#include "ggml.h"
#include "ggml-cpu.h"

#include "rnn_goldens.h"

#include "gated_delta_63_steps.h"
#include "gated_delta_65_steps.h"
#include "gated_delta_210_steps.h"
#include "gated_delta_grouped_values.h"
#include "gated_delta_small_updates.h"

#include <vector>

struct test_case {
    int64_t d, heads, key_heads, tokens, seqs;
    const float * q, * k, * v, * g, * beta, * state;
    const rnn_goldens_expected * o, * last;

    // the head of the golden at a place of ggml
    int64_t head(int64_t place) const { return place % key_heads * (heads / key_heads) + place / key_heads; }

    // copies rows of a head each, between the orders of the golden and of ggml
    void copy_heads(const float * from, float * to, int64_t rows, int64_t size, bool to_ggml) const {
        for (int64_t i = 0; i < rows * heads; i++) {
            const int64_t golden = i / heads * heads + head(i % heads);
            const int64_t a = to_ggml ? golden : i, b = to_ggml ? i : golden;
            for (int64_t j = 0; j < size; j++) {
                to[b * size + j] = from[a * size + j];
            }
        }
    }

    int run() const {
        ggml_context * ctx = ggml_init({ 256u * 1024 * 1024, nullptr, false });
        auto tensor = [&](int64_t n0, int64_t n1, int64_t n2) {
            return ggml_new_tensor_4d(ctx, GGML_TYPE_F32, n0, n1, n2, seqs);
        };
        ggml_tensor * tq = tensor(d, key_heads, tokens), * tk = tensor(d, key_heads, tokens);
        ggml_tensor * tv = tensor(d, heads, tokens), * ts = tensor(d, d, heads);
        ggml_tensor * tg = tensor(1, heads, tokens), * tb = tensor(1, heads, tokens);
        for (int64_t i = 0; i < ggml_nelements(tq); i++) {
            ggml_get_data_f32(tq)[i] = q[i];
            ggml_get_data_f32(tk)[i] = k[i];
        }
        copy_heads(v, ggml_get_data_f32(tv), seqs * tokens, d, true);
        copy_heads(g, ggml_get_data_f32(tg), seqs * tokens, 1, true);
        copy_heads(beta, ggml_get_data_f32(tb), seqs * tokens, 1, true);
        std::vector<float> states(seqs * heads * d * d);
        transpose(state, states.data());
        copy_heads(states.data(), ggml_get_data_f32(ts), seqs, d * d, true);

        ggml_tensor * result = ggml_gated_delta_net(ctx, tq, tk, tv, tg, tb, ts, 1);
        ggml_cgraph * graph = ggml_new_graph(ctx);
        ggml_build_forward_expand(graph, result);
        ggml_graph_compute_with_ctx(ctx, graph, 1);

        const float * flat = ggml_get_data_f32(result);
        std::vector<float> out(seqs * tokens * heads * d), now(states.size()), end(states.size());
        copy_heads(flat, out.data(), seqs * tokens, d, false);
        copy_heads(flat + out.size(), now.data(), seqs, d * d, false);
        transpose(now.data(), end.data());
        ggml_free(ctx);
        return rnn_goldens_check_float(o, out.data()) + rnn_goldens_check_float(last, end.data());
    }

    void transpose(const float * from, float * to) const {
        for (int64_t n = 0; n < seqs * heads; n++) {
            for (int64_t i = 0; i < d * d; i++) {
                to[n * d * d + i % d * d + i / d] = from[n * d * d + i];
            }
        }
    }
};

#define CASE(name, NAME, key_heads)                                                                         \
    { NAME##_D_K, NAME##_HEADS, key_heads, NAME##_TIME, NAME##_BATCH, name##_q, name##_k, name##_v, name##_g, \
      name##_beta, name##_S0, &name##_o_expected, &name##_S_n_expected }

int main() {
    const test_case cases[] = {
        CASE(gated_delta_63_steps, GATED_DELTA_63_STEPS, GATED_DELTA_63_STEPS_HEADS),
        CASE(gated_delta_65_steps, GATED_DELTA_65_STEPS, GATED_DELTA_65_STEPS_HEADS),
        CASE(gated_delta_210_steps, GATED_DELTA_210_STEPS, GATED_DELTA_210_STEPS_HEADS),
        CASE(gated_delta_grouped_values, GATED_DELTA_GROUPED_VALUES, GATED_DELTA_GROUPED_VALUES_KEY_HEADS),
        CASE(gated_delta_small_updates, GATED_DELTA_SMALL_UPDATES, GATED_DELTA_SMALL_UPDATES_HEADS),
    };
    int wrong = 0;
    for (const test_case & one : cases) {
        wrong += one.run();
    }
    printf("%zu goldens, %d wrong elements\n", sizeof(cases) / sizeof(cases[0]), wrong);
    return wrong ? 1 : 0;
}
