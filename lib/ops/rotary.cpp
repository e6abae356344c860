// RotaryEmbedding: pairs of features turned by the angle of their position. SwiGLU: swish(a) * b.
#include <cmath>

#include "ops/helpers/elementwise.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/strided.h"

namespace qtool {
namespace {

/// cos or sin of [batch, seq, half]: rows of a table picked by position, or the table itself.
std::vector<double> rows_at(const Tensor& cache, const Tensor& positions, int64_t batch, int64_t seq, int64_t half) {
  const std::vector<double> table = to_doubles(cache);
  require(cache.rank() >= 2 && cache.shape().back() == half, "the last dimension of the cache must be half the rotated size");
  if (!positions.defined()) {
    require(cache.size() == batch * seq * half, "the cache must be [batch, sequence, half]");
    return table;
  }
  require(positions.size() == batch * seq, "position_ids must be [batch, sequence]");
  std::vector<double> rows;
  for (const int64_t at : positions.to_ints()) {
    require(at >= 0 && (at + 1) * half <= std::ssize(table), "a position is outside the cache");
    rows.insert(rows.end(), table.begin() + at * half, table.begin() + (at + 1) * half);
  }
  return rows;
}

void rotary_embedding(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor& given = input(in, 0);
  require(given.rank() == 3 || given.rank() == 4, "the input must have rank 3 or 4");
  const Tensor plain = given.rank() == 4 ? permuted(given, {0, 2, 1, 3}) : given;  // [batch, seq, ...]
  const int64_t heads = given.rank() == 4 ? plain.shape()[2] : node.attr_or("num_heads", 0);
  require(heads > 0 && (given.rank() == 4 || plain.shape()[2] % heads == 0), "num_heads does not divide the input");
  const int64_t batch = plain.shape()[0], seq = plain.shape()[1], head = plain.size() == 0 ? 0 : plain.size() / (batch * seq * heads);
  const int64_t stated = node.attr_or("rotary_embedding_dim", 0), rotated = stated > 0 ? stated : head, half = rotated / 2;
  require(rotated <= head && rotated % 2 == 0, "rotary_embedding_dim does not fit the head");
  const bool interleaved = node.attr_or("interleaved", 0) != 0;
  const auto cos = rows_at(input(in, 1), optional_input(in, 3), batch, seq, half),
             sin = rows_at(input(in, 2), optional_input(in, 3), batch, seq, half);
  std::vector<double> y = to_doubles(plain);
  for (int64_t row = 0; row < batch * seq * heads; ++row)
    for (int64_t i = 0; i < half; ++i) {
      const auto angle = static_cast<size_t>(row / heads * half + i);
      double& a = y[static_cast<size_t>(row * head + (interleaved ? 2 * i : i))];
      double& b = y[static_cast<size_t>(row * head + (interleaved ? 2 * i + 1 : half + i))];
      const double real = cos[angle] * a - sin[angle] * b, imaginary = sin[angle] * a + cos[angle] * b;
      a = real;
      b = imaginary;
    }
  const Tensor turned = from_doubles(given.dtype(), plain.shape(), y);
  out[0] = given.rank() == 4 ? permuted(turned, {0, 2, 1, 3}) : turned;
}

void swiglu(const Node& node, TensorsIn in, TensorsOut out) {
  const Tensor &a = input(in, 0), &b = input(in, 1);
  require(a.shape() == b.shape() && a.dtype() == b.dtype(), "A and B must have the same type and shape");
  const double alpha = node.attr_or("alpha", 1.0f);
  std::vector<double> y = to_doubles(a);
  const std::vector<double> factor = to_doubles(b);
  for (size_t i = 0; i < y.size(); ++i) y[i] = y[i] / (1 + std::exp(-alpha * y[i])) * factor[i];
  out[0] = from_doubles(a.dtype(), a.shape(), y);
}

}  // namespace

extern const OpDef kRotaryEmbedding23{.name = "RotaryEmbedding", .since = 23, .infer = infer_same, .eval = rotary_embedding};
extern const OpDef kSwiGLU28{.name = "SwiGLU", .since = 28, .infer = infer_same, .eval = swiglu};

}  // namespace qtool
