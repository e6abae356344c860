// External data: weights in files beside the model.

#include <sys/stat.h>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <thread>

#include "base/output_file.h"
#include "onnxio/messages.h"
#include "onnxio/onnxio.h"
#include "support/models.h"

using namespace qtool;
using onnx::ModelProto;
using onnx::TensorProto;
using testing::TempDir;
namespace fs = std::filesystem;

namespace {

void add_entry(TensorProto& tensor, const std::string& key, const std::string& value) {
  auto& entry = *tensor.add_external_data();
  entry.set_key(key);
  entry.set_value(value);
}

/// A model whose weight w, float32 [2], lies at `offset` of a file.
ModelProto external_model(const std::string& location, const std::string& offset, const std::string& length = "8") {
  ModelProto message = testing::small_message();
  TensorProto& tensor = *message.mutable_graph()->add_initializer();
  tensor.set_name("w");
  tensor.set_data_type(TensorProto::FLOAT);
  tensor.add_dims(2);
  tensor.set_data_location(TensorProto::EXTERNAL);
  add_entry(tensor, "location", location);
  add_entry(tensor, "offset", offset);
  if (!length.empty()) add_entry(tensor, "length", length);
  return message;
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

struct Folder {
  TempDir dir;
  void write(const ModelProto& message) { write_output(dir.path("m.onnx"), message.SerializeAsString()); }
  Model load() { return onnxio::load(dir.path("m.onnx")); }
  std::string error_of(const ModelProto& message) {
    write(message);
    try {
      load();
    } catch (const Error& error) {
      CHECK(error.code() == ExitCode::invalid_file);
      const std::string text = error.what(), frame = dir.path("m.onnx") + ": tensor \"w\": ";
      CHECK(text.starts_with(frame));
      return text.substr(std::min(frame.size(), text.size()));
    }
    return "";
  }
};

std::vector<float> weight_of(const Model& model, const std::string& name) { return model.graph->find(name)->constant()->to_floats(); }

/// float32 [n] counting up.
Tensor counting(int64_t n) {
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(static_cast<float>(i));
  return Tensor::of({n}, values);
}

}  // namespace

TEST_CASE("external data is read at its offset, aligned or not") {
  Folder folder;
  write_output(folder.dir.path("w.bin"), "abcd" + floats({1, 2}) + "x" + floats({3, 4}));
  folder.write(external_model("w.bin", "4"));
  CHECK(weight_of(folder.load(), "w") == std::vector<float>{1, 2});
  folder.write(external_model("./w.bin", "13", ""));
  CHECK(weight_of(folder.load(), "w") == std::vector<float>{3, 4});
}

TEST_CASE("external data: a hostile location or range is an error that names it") {
  Folder folder;
  write_output(folder.dir.path("w.bin"), floats({1, 2}));
  fs::create_directory(folder.dir.path("inside"));
  const TempDir elsewhere;
  write_output(elsewhere.path("w.bin"), floats({1, 2}));
  fs::create_symlink(elsewhere.path("w.bin"), folder.dir.path("link.bin"));
  fs::create_directory_symlink(elsewhere.path(), folder.dir.path("linked"));
  const auto error = [&](const std::string& location) { return folder.error_of(external_model(location, "0")); };
  CHECK(error("/etc/passwd") == "external data file \"/etc/passwd\" is an absolute path, expected one below the model's directory");
  CHECK(error("../w.bin") == "external data file \"../w.bin\" leaves the model's directory");
  CHECK(error("inside/../../w.bin") == "external data file \"inside/../../w.bin\" leaves the model's directory");
  CHECK(error("link.bin") == "external data file \"link.bin\" leaves the model's directory through a link");
  CHECK(error("linked/w.bin") == "external data file \"linked/w.bin\" leaves the model's directory through a link");
  CHECK(error("inside") == "external data file \"inside\" is not a regular file");
  CHECK(error("gone.bin").starts_with("external data file \"gone.bin\" is missing in "));
  CHECK(error("") == "external data has no location");
  CHECK(error(std::string("w.bin\0x", 7)) == "external data: the location holds a zero byte");
  CHECK(folder.error_of(external_model("w.bin", "1")) == "external data file \"w.bin\" has 8 bytes, expected 8 at offset 1");
  CHECK(folder.error_of(external_model("w.bin", "18446744073709551615")).starts_with("external data file \"w.bin\" has 8 bytes"));
  CHECK(folder.error_of(external_model("w.bin", "-1")) == "external data: offset \"-1\" is not a size in bytes");
  CHECK(folder.error_of(external_model("w.bin", "99999999999999999999")).ends_with("is not a size in bytes"));
  CHECK(folder.error_of(external_model("w.bin", "0", "7")) == "external data: length is 7 bytes, expected 8");
}

TEST_CASE("external data: a link inside the directory is followed") {
  Folder folder;
  write_output(folder.dir.path("real.bin"), floats({5, 6}));
  fs::create_symlink("real.bin", folder.dir.path("link.bin"));
  folder.write(external_model("link.bin", "0"));
  CHECK(weight_of(folder.load(), "w") == std::vector<float>{5, 6});
}

TEST_CASE("an external model is saved with its weights inside") {
  Folder folder;
  write_output(folder.dir.path("w.bin"), floats({1, 2}));
  folder.write(external_model("w.bin", "0"));
  const Model model = folder.load();
  const TempDir other;
  onnxio::save(model, other.path("out.onnx"));
  CHECK(weight_of(onnxio::load(other.path("out.onnx")), "w") == std::vector<float>{1, 2});
  ModelProto expected = external_model("", "");
  TensorProto& tensor = *expected.mutable_graph()->mutable_initializer(0);
  tensor.clear_external_data(), tensor.clear_data_location(), tensor.set_raw_data(floats({1, 2}));
  CHECK(testing::difference(expected, testing::message_of_bytes(read_input(other.path("out.onnx")))) == "");
}

TEST_CASE("a sidecar holds the big weights, aligned, and loads to the same model") {
  Model model = testing::model_of(R"(g (float[2] x, bool c) => (float[2] y) {
    y = If (c) <then_branch = t () => (float[2] a) { a = Relu(x) }, else_branch = e () => (float[2] x) { }> })");
  model.graph->add_weight("page", counting(2000));
  model.graph->add_weight("line", counting(300));
  model.graph->add_weight("small", counting(3));
  Graph& body = *model.graph->find("y")->producer().bodies()[0].graph;
  body.add_weight("inner", counting(500).cast(DType::int4));
  const TempDir dir;
  onnxio::save(model, dir.path("m.onnx"), {.external_data = true});
  const ModelProto message = testing::message_of_bytes(read_input(dir.path("m.onnx")));
  for (const TensorProto& tensor : message.graph().initializer()) {
    INFO(tensor.name());
    const bool is_external = tensor.data_location() == TensorProto::EXTERNAL;
    CHECK(is_external == (tensor.name() != "small"));
    if (!is_external) continue;
    CHECK(tensor.external_data(0).value() == "m.onnx.data");
    CHECK(std::stoul(tensor.external_data(1).value()) % (tensor.name() == "page" ? 4096 : 64) == 0);
    CHECK_FALSE(tensor.has_raw_data());
  }
  const Model again = onnxio::load(dir.path("m.onnx"));
  CHECK(onnxio::digest(again) == onnxio::digest(model));
  CHECK(onnxio::serialize(again) == onnxio::serialize(model));
  CHECK(weight_of(again, "page") == counting(2000).to_floats());
}

TEST_CASE("a model may come through a pipe") {
  const TempDir dir;
  const std::string pipe = dir.path("pipe"), bytes = testing::small_message().SerializeAsString();
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::thread writer([&] { write_output(pipe, bytes); });
  const Model model = onnxio::load(pipe);
  writer.join();
  CHECK(model.graph->find("y")->producer().is("Relu"));
}

TEST_CASE("a sidecar cannot go to stdout") {
  Model model = testing::model_of("g (float[2] x) => (float[2] y) { y = Relu(x) }");
  try {
    onnxio::save(model, "-", {.external_data = true});
    FAIL("saved");
  } catch (const Error& error) {
    CHECK(error.code() == ExitCode::usage);
  }
}

TEST_CASE("a model is saved over itself and its sidecar") {
  Folder folder;
  Model model = testing::model_of("g (float[2] x) => (float[2] y) { y = Relu(x) }");
  model.graph->add_weight("w", counting(5000));
  onnxio::save(model, folder.dir.path("m.onnx"), {.external_data = true});
  const Model first = folder.load();
  onnxio::save(first, folder.dir.path("m.onnx"), {.external_data = true});
  CHECK(weight_of(folder.load(), "w") == counting(5000).to_floats());
  CHECK(weight_of(first, "w") == counting(5000).to_floats());
}

TEST_CASE("a failed save leaves the old files and nothing else") {
  const TempDir dir;
  Model model = testing::model_of("g (float[2] x) => (float[2] y) { y = Relu(x) }");
  CHECK_THROWS_AS(onnxio::save(model, dir.path("no/such/folder.onnx")), Error);
  CHECK(fs::is_empty(dir.path()));
}
