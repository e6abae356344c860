#include "exec/onednn/products/clamps.h"

#include <algorithm>

namespace qtool::onednn {

std::optional<CodeBounds> clamp_of(const Cluster& cluster, const Epilogue& epilogue) {
  const auto has_operand = [](const Epilogue::Operation& operation) { return operation.operand != nullptr; };
  if (std::any_of(epilogue.operations.begin(), epilogue.operations.end(), has_operand)) return std::nullopt;
  const auto adds = [](const PostOp& post) { return post.kind == PostOp::Kind::add; };  // all in front, and in the bias
  return bounds_behind(cluster, static_cast<size_t>(std::count_if(cluster.post_ops.begin(), cluster.post_ops.end(), adds)));
}

CodeProduct code_product(const Products& products) {
  CodeProduct product{products.in_dtype, products.zero_point, products.weights, products.factors, {}, products.weight_sums};
  for (size_t c = 0; c < products.bias.size(); ++c)
    product.bias.push_back(static_cast<double>(products.bias[c]) + (products.epilogue.bias.empty() ? 0.0f : products.epilogue.bias[c]));
  return product;
}

}  // namespace qtool::onednn
