#include "exec/plan.h"

#include "exec/canonicalize.h"
#include "exec/plan/plan_impl.h"

namespace qtool {
namespace {

const Backend& choose_backend(const std::string& name) {
  if (name == "auto") {
    for (const Backend* backend : all_backends())
      if (backend->available()) return *backend;
  }
  const Backend* found = find_backend(name);
  std::string names = "auto";
  for (const Backend* backend : all_backends()) names += ", " + std::string(backend->name);
  if (!found) throw usage_error("unknown engine \"" + name + "\": this qtool has " + names);
  if (!found->available()) throw unsupported("engine \"" + name + "\" cannot run on this machine");
  return *found;
}

void list_inputs(Plan::Impl& impl) {
  const auto placeholders = impl.model.graph->placeholders();
  impl.placeholder_count = placeholders.size();
  for (size_t i = 0; i < placeholders.size(); ++i) {
    if (placeholders[i]->weight) continue;
    impl.inputs.push_back(placeholders[i]);
    impl.positions.push_back(i);
    impl.input_names.push_back(placeholders[i]->out(0)->name());
  }
}

std::string text_of(const ValueType& type) {
  std::string text(name_of(type.dtype));
  if (!type.dims) return text;
  std::string dims;
  for (const Dim& dim : *type.dims)
    dims += (dims.empty() ? "" : "x") + (dim.known() ? std::to_string(dim.value) : dim.symbol.empty() ? "?" : dim.symbol);
  return text + " " + (dims.empty() ? "scalar" : dims);
}

}  // namespace

void check_input(const Node& placeholder, const Tensor& given) {
  const ValueType& type = placeholder.out(0)->type;
  bool fits = type.dtype == DType::undefined || type.dtype == given.dtype();
  if (type.dims) {
    fits = fits && type.dims->size() == given.rank();
    for (size_t i = 0; fits && i < given.rank(); ++i) fits = !(*type.dims)[i].known() || (*type.dims)[i].value == given.shape()[i];
  }
  if (!fits)
    throw invalid_file("input \"" + placeholder.out(0)->name() + "\": " + text_of(type) + " expected, " +
                       std::string(name_of(given.dtype())) + " " + to_string(given.shape()) + " found");
}

Plan::Plan(const Model& model, const PlanOptions& options, Diagnostics&) : impl_(std::make_unique<Impl>()) {
  Impl& impl = *impl_;
  impl.backend = &choose_backend(options.engine);
  impl.engine = impl.backend->name;
  impl.threads = options.threads;
  for (const Value* value : model.graph->output().inputs()) impl.output_names.push_back(value->name());
  impl.model = impl.backend->lower ? canonical_for_execution(model, *impl.backend) : inlined_for_execution(model);
  list_inputs(impl);
  if (impl.backend->lower) {
    impl.graph = build_plan_graph(impl.model, *impl.model.graph, *impl.backend, impl.index);
    return;
  }
  impl.interpreter = std::make_unique<Interpreter>(impl.model);
  for (const Node& node : impl.model.graph->nodes())
    if (node.is_call()) impl.nodes.push_back(&node);
}

Plan::~Plan() = default;
const std::string& Plan::engine() const { return impl_->engine; }
const std::vector<std::string>& Plan::input_names() const { return impl_->input_names; }
const std::vector<std::string>& Plan::output_names() const { return impl_->output_names; }

}  // namespace qtool
