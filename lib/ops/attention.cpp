// Attention: softmax(softcap(Q K' scale) + bias) V a head; K and V may grow from a cache. bias holds the mask, the causal
// frontier, the sliding window and the padding of the cache: a query at position p = offset + i sees key j when
//   j <= p (causal),  p - left <= j <= p + right (window),  j < nonpad_kv_seqlen (padding).
// offset: length of the cache before this call. A query that sees no key gives zeros.
#include <cmath>
#include <limits>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

using Reals = std::vector<double>;
constexpr double kMasked = -std::numeric_limits<double>::infinity();

/// [batch, heads, length, size]
struct Heads {
  Reals values;
  int64_t batch, heads, length, size;
  const double* row(int64_t n, int64_t h, int64_t i) const { return values.data() + ((n * heads + h) * length + i) * size; }
  Shape shape() const { return {batch, heads, length, size}; }
};

/// From 4 dimensions, or from [batch, length, heads * size].
Heads heads_of(const Tensor& x, int64_t stated_heads) {
  require(x.rank() == 3 || x.rank() == 4, "Q, K and V must have rank 3 or 4");
  Tensor split = x;
  if (x.rank() == 3) {
    require(stated_heads > 0 && x.shape()[2] % stated_heads == 0, "the number of heads does not divide the input");
    split = permuted(x.reshaped({x.shape()[0], x.shape()[1], stated_heads, x.shape()[2] / stated_heads}), {0, 2, 1, 3});
  }
  const Shape& s = split.shape();
  return {to_doubles(split), s[0], s[1], s[2], s[3]};
}

/// The cache and the new rows behind it.
Heads appended(const Tensor& past, const Heads& fresh) {
  if (!past.defined()) return fresh;
  const Heads before = heads_of(past, 0);
  require(before.batch == fresh.batch && before.heads == fresh.heads && before.size == fresh.size, "the cache does not fit K or V");
  Heads all{{}, fresh.batch, fresh.heads, before.length + fresh.length, fresh.size};
  for (int64_t n = 0; n < all.batch; ++n)
    for (int64_t h = 0; h < all.heads; ++h) {
      all.values.insert(all.values.end(), before.row(n, h, 0), before.row(n, h, 0) + before.length * all.size);
      all.values.insert(all.values.end(), fresh.row(n, h, 0), fresh.row(n, h, 0) + fresh.length * all.size);
    }
  return all;
}

/// What is added to the score of (batch, head, query, key).
class Bias {
 public:
  Bias(const Node& node, TensorsIn in, const Heads& q, const Heads& k, int64_t past)
      : causal_(node.attr_or("is_causal", 0) != 0),
        left_(node.attr_or("left_window_size", -1)),
        right_(node.attr_or("right_window_size", -1)) {
    offset_.assign(static_cast<size_t>(q.batch), past);
    if (const Tensor& lengths = optional_input(in, 6); lengths.defined()) {
      valid_ = lengths.to_ints();
      require(std::ssize(valid_) == q.batch, "nonpad_kv_seqlen must have one number a batch item");
      for (size_t n = 0; n < valid_.size(); ++n) offset_[n] = valid_[n] - q.length;
    }
    if (const Tensor& mask = optional_input(in, 3); mask.defined()) set_mask(mask, {q.batch, q.heads, q.length, k.length});
  }

  double at(int64_t n, int64_t h, int64_t i, int64_t j) const {
    const int64_t position = offset_[static_cast<size_t>(n)] + i;
    if (causal_ && j > position) return kMasked;
    if ((left_ >= 0 && j < position - left_) || (right_ >= 0 && j > position + right_)) return kMasked;
    if (!valid_.empty() && j >= valid_[static_cast<size_t>(n)]) return kMasked;
    if (mask_.empty()) return 0;
    if (j >= mask_keys_) return kMasked;
    return mask_[static_cast<size_t>(n * strides_[0] + h * strides_[1] + i * strides_[2] + j * strides_[3])];
  }

 private:
  /// A mask may be shorter than the keys; what it does not cover is masked.
  void set_mask(const Tensor& mask, Shape full) {
    mask_keys_ = full[3];
    if (mask.rank() > 0 && mask.shape().back() > 1) full[3] = mask_keys_ = std::min(full[3], mask.shape().back());
    mask_ = to_doubles(mask);
    if (mask.dtype() == DType::boolean)
      for (double& value : mask_) value = value != 0 ? 0 : kMasked;
    strides_ = broadcast_strides(mask.shape(), full);
  }

  bool causal_;
  int64_t left_, right_, mask_keys_ = 0;
  std::vector<int64_t> offset_, valid_;
  Reals mask_;
  Shape strides_;
};

/// In place; a row without any key becomes zeros.
void softmax(double* x, int64_t count) {
  double top = kMasked, total = 0;
  for (int64_t i = 0; i < count; ++i) top = std::fmax(top, x[i]);
  for (int64_t i = 0; i < count; ++i) total += x[i] = top == kMasked ? 0 : std::exp(x[i] - top);
  for (int64_t i = 0; i < count && total != 0; ++i) x[i] /= total;
}

struct Settings {
  double scale, softcap;
  int64_t shown;  // qk_matmul_output_mode
};

/// Scores of one query; `shown` receives them at the stage that the fourth output asks for.
void scores_of(const double* q, const Heads& k, int64_t n, int64_t h, int64_t group, int64_t i, const Bias& bias, const Settings& s,
               double* scores, double* shown) {
  const auto show = [&](int64_t stage) {
    if (s.shown == stage) std::copy_n(scores, k.length, shown);
  };
  for (int64_t j = 0; j < k.length; ++j) {
    const double* key = k.row(n, h / group, j);
    scores[j] = 0;
    for (int64_t d = 0; d < k.size; ++d) scores[j] += q[d] * key[d];
    scores[j] *= s.scale;
  }
  show(0);
  for (int64_t j = 0; j < k.length && s.softcap > 0; ++j) scores[j] = s.softcap * std::tanh(scores[j] / s.softcap);
  show(1);
  for (int64_t j = 0; j < k.length; ++j) scores[j] += bias.at(n, h, i, j);
  show(2);
  softmax(scores, k.length);
  show(3);
}

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& given = input(in, 0);
  const Heads q = heads_of(given, node.attr_or("q_num_heads", 0)), fresh_k = heads_of(input(in, 1), node.attr_or("kv_num_heads", 0));
  const Heads k = appended(optional_input(in, 4), fresh_k),
              v = appended(optional_input(in, 5), heads_of(input(in, 2), node.attr_or("kv_num_heads", 0)));
  require(k.batch == q.batch && v.batch == q.batch && k.size == q.size && v.length == k.length && v.heads == k.heads && k.heads > 0 &&
              q.heads % k.heads == 0,
          "Q, K and V do not fit");
  const Bias bias(node, in, q, k, k.length - fresh_k.length);
  const double scale = node.attribute("scale") ? node.attr_or("scale", 1.0f) : 1 / std::sqrt(static_cast<double>(q.size));
  const Settings settings{scale, node.attr_or("softcap", 0.0f), node.attr_or("qk_matmul_output_mode", 0)};
  Heads y{Reals(static_cast<size_t>(q.batch * q.heads * q.length * v.size), 0.0), q.batch, q.heads, q.length, v.size};
  Reals scores(static_cast<size_t>(k.length)), shown(static_cast<size_t>(q.batch * q.heads * q.length * k.length));
  for (int64_t row = 0; row < q.batch * q.heads * q.length; ++row) {
    const int64_t i = row % q.length, h = row / q.length % q.heads, n = row / q.length / q.heads, group = q.heads / k.heads;
    scores_of(q.values.data() + row * q.size, k, n, h, group, i, bias, settings, scores.data(), shown.data() + row * k.length);
    for (int64_t j = 0; j < k.length; ++j)
      for (int64_t d = 0; d < v.size; ++d)
        y.values[static_cast<size_t>(row * v.size + d)] += scores[static_cast<size_t>(j)] * v.row(n, h / group, j)[d];
  }
  const Tensor result = from_doubles(given.dtype(), y.shape(), y.values);
  out[0] = given.rank() == 4 ? result : permuted(result, {0, 2, 1, 3}).reshaped({q.batch, q.length, q.heads * v.size});
  assign(out, 1, from_doubles(in[1].dtype(), k.shape(), k.values));
  assign(out, 2, from_doubles(in[2].dtype(), v.shape(), v.values));
  assign(out, 3, from_doubles(given.dtype(), {q.batch, q.heads, q.length, k.length}, shown));
}

TypeList infer(const Node& node, const InferInput& in) {
  const Dims &q = dims_of(in, 0), &v = dims_of(in, 2);
  ValueType y{dtype_of(in, 0), q ? Dims(unknown_dims(q->size())) : std::nullopt};
  if (q && q->size() == 4) {
    y.dims = q;
    (*y.dims)[3] = v && v->size() == 4 ? (*v)[3] : Dim{};
  } else if (q && q->size() == 3) {
    (*y.dims)[0] = (*q)[0];
    (*y.dims)[1] = (*q)[1];
  }
  return outputs(node, {y, {dtype_of(in, 1), unknown_dims(4)}, {dtype_of(in, 2), unknown_dims(4)}, {dtype_of(in, 0), unknown_dims(4)}});
}

}  // namespace

extern const OpDef kAttention23{.name = "Attention", .since = 23, .infer = infer, .eval = eval};

}  // namespace qtool
