#include <algorithm>
#include <array>

#include "ops/op_def.h"

namespace qtool {

#define QTOOL_OP(name, since) extern const OpDef k##name##since;
#include "ops/ops.inc"
#undef QTOOL_OP

namespace {

// A row listed twice does not compile here.
enum class RowName {
#define QTOOL_OP(name, since) name##since,
#include "ops/ops.inc"
#undef QTOOL_OP
};

constexpr std::array kRows{
#define QTOOL_OP(name, since) &k##name##since,
#include "ops/ops.inc"
#undef QTOOL_OP
};

/// Rows by domain, name and since, for look-up.
const std::vector<const OpDef*>& sorted_rows() {
  static const std::vector<const OpDef*> rows = [] {
    std::vector<const OpDef*> sorted(kRows.begin(), kRows.end());
    std::sort(sorted.begin(), sorted.end(), [](const OpDef* a, const OpDef* b) {
      return std::tie(a->domain, a->name, a->since) < std::tie(b->domain, b->name, b->since);
    });
    return sorted;
  }();
  return rows;
}

}  // namespace

const OpDef* find_op(std::string_view domain, std::string_view name, int64_t opset) {
  const auto& rows = sorted_rows();
  const auto after = std::upper_bound(rows.begin(), rows.end(), std::tuple(domain, name, opset), [](const auto& key, const OpDef* row) {
    return key < std::tuple(row->domain, row->name, static_cast<int64_t>(row->since));
  });
  if (after == rows.begin()) return nullptr;
  const OpDef* row = *std::prev(after);
  return row->domain == domain && row->name == name ? row : nullptr;
}

const OpDef* find_op(const Model& model, const Node& node) {
  if (node.kind() != NodeKind::call_function) return nullptr;
  return find_op(node.domain, node.op, model.opset(node.domain));
}

std::span<const OpDef* const> all_ops() { return kRows; }

}  // namespace qtool
