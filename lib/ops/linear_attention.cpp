// LinearAttention: a state S [d_k, d_v] a head, carried from token to token.
//   linear: S += k v'     gated: S = exp(g) S + k v'     delta: S += beta k (v - S'k)'     gated_delta: both, S decayed first
//   output = scale * S'q
// CausalConvWithState: depthwise convolution over the last k positions, the first k - 1 from the state of the call before.
#include <cmath>

#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

using Reals = std::vector<double>;

Reals optional_doubles(TensorsIn in, size_t i) { return optional_input(in, i).defined() ? to_doubles(in[i]) : Reals(); }

struct Heads {
  int64_t batch, tokens, q_heads, kv_heads, dk, dv;
};

Heads heads_of(const Node& node, TensorsIn in) {
  const Shape &q = input(in, 0).shape(), &k = input(in, 1).shape(), &v = input(in, 2).shape();
  const int64_t q_heads = node.attr_or("q_num_heads", 0), kv_heads = node.attr_or("kv_num_heads", 0);
  require(q.size() == 3 && k.size() == 3 && v.size() == 3 && q_heads > 0 && kv_heads > 0 && q_heads % kv_heads == 0,
          "query, key, value do not fit the heads");
  const Heads h{q[0], q[1], q_heads, kv_heads, k[2] / kv_heads, v[2] / kv_heads};
  require(q[2] == q_heads * h.dk && k[2] == kv_heads * h.dk && v[2] == kv_heads * h.dv && k[1] == q[1] && v[1] == q[1] && k[0] == q[0] &&
              v[0] == q[0],
          "query, key, value do not fit the heads");
  return h;
}

struct Token {
  const double *k, *v;
  Reals decay;  // exp(g), one a row of S
  double beta;
};

void update(Reals& state, const Heads& h, const Token& token, bool gated, bool delta) {
  if (gated)
    for (size_t i = 0; i < state.size(); ++i) state[i] *= token.decay[i / static_cast<size_t>(h.dv)];
  for (int64_t j = 0; j < h.dv; ++j) {
    double value = token.v[j];
    if (delta) {
      for (int64_t i = 0; i < h.dk; ++i) value -= state[static_cast<size_t>(i * h.dv + j)] * token.k[i];
      value *= token.beta;
    }
    for (int64_t i = 0; i < h.dk; ++i) state[static_cast<size_t>(i * h.dv + j)] += token.k[i] * value;
  }
}

/// decay is [B, T, H * d_k] or [B, T, H]; beta [B, T, H] or [B, T, 1].
Token token_of(const Heads& h, const Reals& k, const Reals& v, const Reals& decay, const Reals& beta, int64_t row, int64_t head) {
  Token token{k.data() + (row * h.kv_heads + head) * h.dk, v.data() + (row * h.kv_heads + head) * h.dv, Reals(static_cast<size_t>(h.dk), 1),
              1};
  const int64_t rows = h.batch * h.tokens;
  for (int64_t i = 0; !decay.empty() && i < h.dk; ++i) {
    const bool per_key = std::ssize(decay) == rows * h.kv_heads * h.dk;
    token.decay[static_cast<size_t>(i)] =
        std::exp(decay[static_cast<size_t>(per_key ? (row * h.kv_heads + head) * h.dk + i : row * h.kv_heads + head)]);
  }
  if (!beta.empty()) token.beta = beta[static_cast<size_t>(std::ssize(beta) == rows ? row : row * h.kv_heads + head)];
  return token;
}

void linear_attention(const Node& node, TensorsIn in, TensorsOut out) {
  const Heads h = heads_of(node, in);
  const std::string rule = node.attr_or("update_rule", "gated_delta");
  const bool gated = rule == "gated" || rule == "gated_delta", delta = rule == "delta" || rule == "gated_delta";
  require(gated || delta || rule == "linear", "update_rule is unknown");
  const Reals q = to_doubles(in[0]), k = to_doubles(in[1]), v = to_doubles(in[2]), decay = optional_doubles(in, 4),
              beta = optional_doubles(in, 5);
  const int64_t rows = h.batch * h.tokens, size = h.dk * h.dv;
  require(!gated || std::ssize(decay) == rows * h.kv_heads || std::ssize(decay) == rows * h.kv_heads * h.dk, "decay has the wrong size");
  require(!delta || std::ssize(beta) == rows * h.kv_heads || std::ssize(beta) == rows, "beta has the wrong size");
  Reals states = optional_doubles(in, 3);
  if (states.empty()) states.assign(static_cast<size_t>(h.batch * h.kv_heads * size), 0);
  require(std::ssize(states) == h.batch * h.kv_heads * size, "past_state has the wrong size");
  const float stated = node.attr_or("scale", 0.0f);
  const double scale = stated != 0 ? stated : 1 / std::sqrt(static_cast<double>(h.dk));
  Reals y(static_cast<size_t>(rows * h.q_heads * h.dv), 0.0);
  const int64_t shared = h.q_heads / h.kv_heads;
  for (int64_t n = 0; n < h.batch; ++n)
    for (int64_t head = 0; head < h.kv_heads; ++head) {
      const auto first = states.begin() + (n * h.kv_heads + head) * size;
      Reals state(first, first + size);
      for (int64_t row = n * h.tokens; row < (n + 1) * h.tokens; ++row) {
        update(state, h, token_of(h, k, v, decay, beta, row, head), gated, delta);
        for (int64_t g = head * shared; g < (head + 1) * shared; ++g)
          for (int64_t i = 0; i < h.dk; ++i)
            for (int64_t j = 0; j < h.dv; ++j)
              y[static_cast<size_t>((row * h.q_heads + g) * h.dv + j)] +=
                  scale * q[static_cast<size_t>((row * h.q_heads + g) * h.dk + i)] * state[static_cast<size_t>(i * h.dv + j)];
      }
      std::copy(state.begin(), state.end(), first);
    }
  out[0] = from_doubles(in[0].dtype(), {h.batch, h.tokens, h.q_heads * h.dv}, y);
  const DType state_type = optional_input(in, 3).defined() ? in[3].dtype() : in[0].dtype();
  assign(out, 1, from_doubles(state_type, {h.batch, h.kv_heads, h.dk, h.dv}, states));
}

TypeList infer_linear_attention(const Node& node, const InferInput& in) {
  const Dims &q = dims_of(in, 0), &v = dims_of(in, 2);
  ValueType y{dtype_of(in, 0), unknown_dims(3)}, state{present(node, 3) ? dtype_of(in, 3) : dtype_of(in, 0), unknown_dims(4)};
  if (q && q->size() == 3) {
    (*y.dims)[0] = (*state.dims)[0] = (*q)[0];
    (*y.dims)[1] = (*q)[1];
  }
  const int64_t q_heads = node.attr_or("q_num_heads", 1), kv_heads = node.attr_or("kv_num_heads", 1);
  if (v && v->size() == 3 && (*v)[2].known() && kv_heads > 0) (*y.dims)[2] = known((*v)[2].value / kv_heads * q_heads);
  return outputs(node, {y, state});
}

void causal_conv(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &x = input(in, 0), &w = input(in, 1);
  require(x.rank() == 3 && w.rank() == 3 && w.shape()[0] == x.shape()[1] && w.shape()[1] == 1 && w.shape()[2] >= 1,
          "input and weight do not fit");
  const int64_t batch = x.shape()[0], channels = x.shape()[1], length = x.shape()[2], taps = w.shape()[2], kept = taps - 1;
  const std::string activation = node.attr_or("activation", "none");
  require(activation == "none" || activation == "silu" || activation == "swish", "activation is unknown");
  const Reals values = to_doubles(x), weights = to_doubles(w), bias = optional_doubles(in, 2), past = optional_doubles(in, 3);
  require(bias.empty() || std::ssize(bias) == channels, "bias must have one number a channel");
  require(past.empty() || std::ssize(past) == batch * channels * kept, "past_state has the wrong size");
  Reals y, state;
  for (int64_t row = 0; row < batch * channels; ++row) {
    Reals line(static_cast<size_t>(kept), 0.0);
    if (!past.empty()) std::copy_n(past.begin() + row * kept, kept, line.begin());
    line.insert(line.end(), values.begin() + row * length, values.begin() + (row + 1) * length);
    const auto channel = static_cast<size_t>(row % channels);
    for (int64_t t = 0; t < length; ++t) {
      double total = bias.empty() ? 0 : bias[channel];
      for (int64_t i = 0; i < taps; ++i)
        total += line[static_cast<size_t>(t + i)] * weights[channel * static_cast<size_t>(taps) + static_cast<size_t>(i)];
      y.push_back(activation == "none" ? total : total / (1 + std::exp(-total)));
    }
    state.insert(state.end(), line.end() - kept, line.end());
  }
  out[0] = from_doubles(x.dtype(), x.shape(), y);
  assign(out, 1, from_doubles(x.dtype(), {batch, channels, kept}, state));
}

TypeList infer_causal_conv(const Node& node, const InferInput& in) {
  Dims state = dims_of(in, 0);
  const Dims& w = dims_of(in, 1);
  if (state && state->size() == 3) (*state)[2] = w && w->size() == 3 && (*w)[2].known() ? known((*w)[2].value - 1) : Dim{};
  return outputs(node, {type_of(in, 0), {dtype_of(in, 0), state}});
}

}  // namespace

extern const OpDef kLinearAttention27{.name = "LinearAttention", .since = 27, .infer = infer_linear_attention, .eval = linear_attention};
extern const OpDef kCausalConvWithState27{.name = "CausalConvWithState", .since = 27, .infer = infer_causal_conv, .eval = causal_conv};

}  // namespace qtool
