#pragma once
// The sensitivity report as a value: what JSON, text and the HTML page show.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "debug/loss.h"
#include "tensor/shape.h"

namespace qtool::debug {

/// Numbers of a quantized tensor.
struct Parameters {
  std::string dtype;
  double scale = 0;  ///< per channel: the largest
  int32_t zero_point = 0;
  bool per_channel = false;
  double lo = 0, hi = 0;  ///< real values of the lowest and the highest code
};

/// Values in bins of equal width from lo to hi; both histograms over the same values.
struct Bins {
  double lo = 0, hi = 0;
  std::vector<double> real, quantized;  ///< shares of all values; a code is spread over its step
};

/// What is told of the values a node gives.
struct Activation {
  std::optional<Parameters> parameters;             ///< nothing: the output is not rounded
  std::optional<std::pair<double, double>> useful;  ///< readers tell no values outside apart: all numbers here are of clamped values
  double lo = 0, hi = 0;                            ///< of the float values over all samples
  double inner_lo = 0, inner_hi = 0;                ///< 99.99 % of them
  double below = 0, above = 0;                      ///< shares clipped at each end
  double codes_used = 0;                            ///< share of the codes that occur; -1: not counted
  Bins bins;
  std::vector<std::pair<float, float>> scatter;   ///< float, int8
  std::vector<std::pair<float, float>> extremes;  ///< of the first kRangesListed samples
};

struct ChannelRange {
  float real_lo, real_hi, quantized_lo, quantized_hi;
};

/// One constant held as codes.
struct Weight {
  std::string name;
  Shape shape;
  std::optional<Parameters> parameters;  ///< nothing: in blocks
  std::optional<Loss> loss;              ///< nothing: without a partner in FLOAT
  double noise = 0;
  int axis = -1;         ///< of the channels listed
  double spread = 1;     ///< largest channel's max |w| / the median channel's
  double saturated = 0;  ///< share of the codes at either end
  size_t channel_count = 0;
  std::vector<ChannelRange> channels;  ///< the first kChannelsListed
  bool bias = false;                   ///< int32
};
inline constexpr size_t kChannelsListed = 256;

/// A likely reason, in words, with its evidence.
struct Cause {
  std::string rule;  ///< a row of causes.inc
  std::string text;
  std::vector<std::pair<std::string, double>> evidence;
  std::string remedy;    ///< in words
  std::string observer;  ///< another range rule that would help; "float": none would
  double weight = 0;     ///< causes of a node are told heaviest first
};

/// The network's error where this node alone is float again.
struct LeaveOneOut {
  double mse = 0;                  ///< of the outputs to FLOAT's, over the samples used
  double gain = 0;                 ///< share of the int8 model's mse that it takes away
  std::optional<double> together;  ///< the same of this node and those ranked before it; of the first few alone
};

struct KernelAgreement {
  std::string kernel, declined;
  double steps = 0, share = 0;  ///< largest difference in steps of the output's scale; share of codes that differ
  bool within_bound = true;
};

struct NodeReport {
  std::string name, op;
  std::string int8_name;  ///< of the operator in INT8
  std::vector<std::string> inputs, outputs;
  bool quantized = false;
  bool editable = false;  ///< a qconfig can name it
  bool to_float = false;  ///< the report's own proposal; may be edited and given back
  std::string observer;   ///< proposed range rule; empty: as it is
  size_t rank = 0;        ///< 1: costs most; 0: not ranked
  std::optional<Loss> isolated, cumulative;
  double noise = 0, cumulative_noise = 0;
  std::optional<LeaveOneOut> leave_one_out;
  std::optional<Activation> activation;
  std::vector<Weight> weights;
  std::vector<Cause> causes;
  std::optional<KernelAgreement> kernel;
};

struct OutputSample {
  std::string id;
  Loss loss;
  bool same_top = true;
};

struct Report {
  std::string float_model, int8_model, engine, backend;
  std::vector<std::string> outputs;  ///< names of the network's
  std::vector<NodeReport> nodes;     ///< in the order they run; rank says what costs most
  std::vector<OutputSample> samples;
  Loss network;             ///< INT8 against FLOAT over all samples
  double mse = 0;           ///< of the outputs
  double same_top = 1;      ///< share of the samples
  double exactness_db = 0;  ///< FLOAT against INT8 with FLOAT's weights and nothing rounded: how sure the pairing is
  size_t by_name = 0, by_position = 0;
  std::vector<std::string> int8_alone, float_alone;
  std::optional<double> expected_gain;  ///< share of the error that the proposed changes take away together
  std::string verdict;                  ///< one line
};

/// The nodes that are ranked, worst first.
std::vector<const NodeReport*> ranking(const Report& report);

/// As configs/schema/debug.schema.json says.
nlohmann::ordered_json to_json(const Report& report);

/// One line: how far int8 is from float, what costs most, what a change would give.
std::string verdict_of(const Report& report);

/// Verdict and the worst nodes with their causes, for a terminal.
std::string to_text(const Report& report, size_t nodes = 10);

}  // namespace qtool::debug
