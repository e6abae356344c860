// Einsum: y[output indices] = sum over the other indices of the product of all operands, in double.
#include <algorithm>
#include <map>

#include "ops/helpers/broadcast.h"
#include "ops/helpers/infer.h"
#include "ops/helpers/numeric.h"

namespace qtool {
namespace {

/// Labels of one operand; an ellipsis stands for the labels '0', '1', ... counted from the right end.
using Labels = std::vector<char>;

struct Terms {
  std::vector<std::string> inputs;
  std::string output;
};

/// "ab,bc->ac"; without an arrow the output has the labels that occur once, in alphabetical order, after the ellipsis.
Terms terms_of(const Node& node) {
  std::string text;
  for (const char c : node.attr_or("equation", ""))
    if (c != ' ') text += c;
  const size_t arrow = text.find("->");
  Terms terms;
  std::string left = text.substr(0, arrow), part;
  for (const char c : left + ",")
    if (c == ',') {
      terms.inputs.push_back(part);
      part.clear();
    } else {
      part += c;
    }
  if (arrow != std::string::npos) {
    terms.output = text.substr(arrow + 2);
    return terms;
  }
  std::map<char, int> counts;
  for (const char c : left)
    if (c != ',' && c != '.') ++counts[c];
  if (left.find("...") != std::string::npos) terms.output = "...";
  for (const auto& [label, count] : counts)
    if (count == 1) terms.output += label;
  return terms;
}

Labels labels_of(const std::string& term, size_t ellipsis_rank) {
  Labels labels;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term.compare(i, 3, "...") == 0) {
      for (size_t d = ellipsis_rank; d-- > 0;) labels.push_back(static_cast<char>('0' + d));
      i += 2;
    } else if (std::isalpha(static_cast<unsigned char>(term[i]))) {
      labels.push_back(term[i]);
    } else {
      throw invalid_file("the equation holds '" + std::string(1, term[i]) + "'");
    }
  }
  return labels;
}

size_t named_labels(const std::string& term) {
  return static_cast<size_t>(std::count_if(term.begin(), term.end(), [](char c) { return c != '.'; }));
}

struct Plan {
  std::vector<Labels> inputs;
  Labels output, all;            // all: output labels, then the summed ones
  std::map<char, int64_t> size;  // of every label
};

Plan plan_of(const Node& node, const std::vector<Shape>& shapes) {
  const Terms terms = terms_of(node);
  require(terms.inputs.size() == shapes.size(), "the equation does not have one term an input");
  Plan plan;
  size_t ellipsis = 0;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const size_t named = named_labels(terms.inputs[i]);
    require(named <= shapes[i].size() && shapes[i].size() - named <= 9, "a term of the equation does not fit its input");
    const size_t rest = shapes[i].size() - named;
    plan.inputs.push_back(labels_of(terms.inputs[i], rest));
    require(plan.inputs[i].size() == shapes[i].size(), "a term of the equation does not fit its input");
    ellipsis = std::max(ellipsis, rest);
    for (size_t d = 0; d < shapes[i].size(); ++d) {
      int64_t& size = plan.size.emplace(plan.inputs[i][d], shapes[i][d]).first->second;
      require(size == shapes[i][d] || size == 1 || shapes[i][d] == 1, "inputs differ in a dimension of one label");
      size = std::max(size, shapes[i][d]);
    }
  }
  plan.output = plan.all = labels_of(terms.output, ellipsis);
  for (const auto& [label, size] : plan.size)
    if (std::find(plan.all.begin(), plan.all.end(), label) == plan.all.end()) plan.all.push_back(label);
  for (const char label : plan.output) require(plan.size.contains(label), "the output has a label that no input has");
  return plan;
}

Shape shape_of(const Plan& plan, const Labels& labels) {
  Shape shape;
  for (const char label : labels) shape.push_back(plan.size.at(label));
  return shape;
}

/// Element strides of a tensor along every label of the plan (repeated labels add up: a diagonal).
Shape strides_by_label(const Plan& plan, const Labels& labels, const Shape& shape) {
  const Shape own = strides_of(shape);
  Shape strides(plan.all.size(), 0);
  for (size_t d = 0; d < labels.size(); ++d) {
    const auto at = std::find(plan.all.begin(), plan.all.end(), labels[d]) - plan.all.begin();
    if (shape[d] != 1) strides[static_cast<size_t>(at)] += own[d];
  }
  return strides;
}

void eval(const Node& node, TensorsIn in, TensorsOut out) {
  std::vector<Shape> shapes;
  std::vector<std::vector<double>> values;
  for (size_t i = 0; i < in.size(); ++i) {
    shapes.push_back(input(in, i).shape());
    values.push_back(to_doubles(in[i]));
  }
  const Plan plan = plan_of(node, shapes);
  const Shape output = shape_of(plan, plan.output), to = strides_by_label(plan, plan.output, output);
  std::vector<Shape> from;
  for (size_t i = 0; i < in.size(); ++i) from.push_back(strides_by_label(plan, plan.inputs[i], shapes[i]));
  std::vector<double> y(static_cast<size_t>(element_count(output)), 0.0);
  for_each_index(shape_of(plan, plan.all), [&](const Shape& index) {
    double term = 1;
    for (size_t i = 0; i < values.size(); ++i) term *= values[i][static_cast<size_t>(offset_of(index, from[i]))];
    y[static_cast<size_t>(offset_of(index, to))] += term;
  });
  out[0] = from_doubles(in[0].dtype(), output, y);
}

TypeList infer(const Node& node, const InferInput& in) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < in.types.size(); ++i) {
    const auto shape = in.types[i].shape();
    if (!shape) return infer_dtype(node, in);
    shapes.push_back(*shape);
  }
  const Plan plan = plan_of(node, shapes);
  return outputs(node, {ValueType::of(dtype_of(in, 0), shape_of(plan, plan.output))});
}

}  // namespace

extern const OpDef kEinsum12{.name = "Einsum", .since = 12, .infer = infer, .eval = eval};

}  // namespace qtool
