#include "checkpoint/checkpoint.h"

#include <limits>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/check.h"
#include "support/temporary_directory.h"
#include "support/thrown_message.h"

namespace incubate {
namespace {

Checkpoint example() {
  torch::manual_seed(6);
  Checkpoint checkpoint;
  checkpoint.header = {.training = "stage_1",
                       .step = 1200,
                       .identity = "0123",
                       .identity_text = "meta.a=1\nmeta.b=2\n",
                       .config = "[run]\nseed = 1\n",
                       .arithmetic = {"one kind", "another"},
                       .figures = {{"top1", 0.1}, {"elapsed_s", 12.5}}};
  checkpoint.state[stage_key(0, "cls_token")] = torch::randn({1, 1, 4});
  checkpoint.state[stage_key(11, "blocks.0.attn.qkv.weight")] = torch::randn({12, 4});
  checkpoint.state[stage_key(11, "head.bias")] =
      torch::tensor({0.1F, -0.0F, 1e-45F, std::numeric_limits<float>::infinity()});
  checkpoint.state[optimizer_key(11, "head.bias", "exp_avg")] = torch::randn({4});
  checkpoint.state[optimizer_key(11, "head.bias", "exp_avg_sq")] = torch::randn({4});
  checkpoint.state[ema_key(11, "head.bias")] = torch::randn({4});
  return checkpoint;
}

class CheckpointTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  FilePath path_ = directory_ / "c.h5";
};

void expect_equal(const CheckpointHeader& a, const CheckpointHeader& b) {
  EXPECT_EQ(a.training, b.training);
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.identity, b.identity);
  EXPECT_EQ(a.identity_text, b.identity_text);
  EXPECT_EQ(a.config, b.config);
  EXPECT_EQ(a.arithmetic, b.arithmetic);
  EXPECT_EQ(a.figures, b.figures);
}

TEST_F(CheckpointTest, HeaderAndTensorsComeBackBitForBit) {
  const Checkpoint saved = example();
  save_checkpoint(path_, saved);
  const Checkpoint loaded = load_checkpoint(path_);
  expect_equal(loaded.header, saved.header);
  ASSERT_EQ(loaded.state.size(), saved.state.size());
  for (const auto& [key, tensor] : saved.state) {
    const torch::Tensor& other = loaded.state.at(key);
    ASSERT_EQ(other.sizes(), tensor.sizes()) << key;
    EXPECT_EQ(std::memcmp(other.data_ptr(), tensor.data_ptr(), tensor.nbytes()), 0) << key;
  }
}

TEST_F(CheckpointTest, HeaderIsReadOnItsOwn) {
  save_checkpoint(path_, example());
  expect_equal(load_header(path_), example().header);
}

TEST_F(CheckpointTest, ViewsAndOtherLayoutsAreSavedAsWhatTheyShow) {
  Checkpoint checkpoint = example();
  const torch::Tensor matrix = torch::randn({3, 5});
  checkpoint.state[stage_key(0, "transposed")] = matrix.t();
  checkpoint.state[stage_key(0, "learning")] = torch::ones({2}).set_requires_grad(true);
  save_checkpoint(path_, checkpoint);
  EXPECT_TRUE(torch::equal(load_checkpoint(path_).state.at("/stages/0/transposed"), matrix.t()));
  EXPECT_TRUE(torch::equal(load_checkpoint(path_).state.at("/stages/0/learning"), torch::ones({2})));
}

TEST_F(CheckpointTest, KeysAreTheDocumentedPaths) {
  EXPECT_EQ(stage_key(2, "norm.weight"), "/stages/2/norm.weight");
  EXPECT_EQ(optimizer_key(2, "norm.weight", "exp_avg"), "/optimizer/2/norm.weight/exp_avg");
  EXPECT_EQ(ema_key(2, "norm.weight"), "/ema/2/norm.weight");
}

TEST_F(CheckpointTest, EqualContentMakesEqualBytes) {
  save_checkpoint(path_, example());
  const std::string bytes = read_text(path_);
  save_checkpoint(path_, example());
  EXPECT_EQ(read_text(path_), bytes);
}

TEST_F(CheckpointTest, ARefusalBeforeTheRenameLeavesTheOldFile) {
  save_checkpoint(path_, example());
  const std::string bytes = read_text(path_);
  Checkpoint next = example();
  next.header.step = 1300;
  EXPECT_EQ(thrown_message<std::runtime_error>(
                [&] { save_checkpoint(path_, next, [] { throw std::runtime_error("lock lost"); }); }),
            "lock lost");
  EXPECT_EQ(read_text(path_), bytes);
}

TEST_F(CheckpointTest, DamageIsTheUsersErrorBeforeAnythingIsRead) {
  save_checkpoint(path_, example());
  std::string bytes = read_text(path_);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  replace_text_atomically(path_, bytes);
  for (const auto& load :
       std::vector<std::function<void()>>{[&] { load_header(path_); }, [&] { load_checkpoint(path_); }}) {
    EXPECT_TRUE(thrown_message<InputError>(load).starts_with(path_.string() + " is damaged: "));
  }
}

TEST_F(CheckpointTest, OtherFileTypesAndVersionsAreRefused) {
  write_verified_file(path_, [](Hdf5File& file) { file.write_attribute("filetype", std::string("incubate dataset")); });
  EXPECT_EQ(thrown_message<InputError>([&] { load_header(path_); }),
            path_.string() + " has the file type 'incubate dataset', not 'incubate checkpoint'. Check the path.");
  write_verified_file(path_, [](Hdf5File& file) {
    file.write_attribute("filetype", std::string("incubate checkpoint"));
    file.write_attribute("version", std::int64_t{7});
  });
  EXPECT_EQ(thrown_message<InputError>([&] { load_header(path_); }),
            path_.string() + " has version 7 of its format; this program reads 1. Use the program that wrote it.");
}

TEST_F(CheckpointTest, IntactFilesWithOtherContentAreRefused) {
  const auto error = [&](const std::function<void(Hdf5File&)>& add, bool is_with_header) {
    write_verified_file(path_, [&](Hdf5File& file) {
      file.write_attribute("filetype", std::string("incubate checkpoint"));
      file.write_attribute("version", std::int64_t{1});
      if (is_with_header) {
        for (const char* name : {"training", "identity", "identity_text", "config"}) {
          file.write_attribute(name, std::string("x"));
        }
        file.write_attribute("step", std::int64_t{1});
      }
      add(file);
    });
    return thrown_message<InputError>([&] { load_checkpoint(path_); });
  };
  const std::string p = path_.string();
  const std::string end = ". It is intact but not what this program writes. Make or copy it again.";
  EXPECT_EQ(error([](Hdf5File&) {}, true), "(no error)");
  EXPECT_TRUE(error([](Hdf5File&) {}, false).starts_with(p + ": cannot read attribute 'training' in "));
  EXPECT_EQ(error([](Hdf5File& file) { file.write("/figures/top1", std::vector<double>{}); }, true),
            p + ": cannot read '/figures/top1' in " + p + ": it has 0 values, not 1" + end);
  EXPECT_TRUE(error([](Hdf5File& file) { file.write("/stages", std::vector<double>{1}); }, true)
                  .starts_with(p + ": cannot list '/stages' in "));
}

TEST_F(CheckpointTest, AnotherIdentityNamesTheDifferences) {
  const CheckpointHeader header = example().header;
  const auto message = [&](const std::string& identity, const std::string& text) {
    return thrown_message<InputError>([&] { check_identity("c.h5", header, identity, text, ""); });
  };
  EXPECT_EQ(message("0123", header.identity_text), "(no error)");
  const auto difference = [&](const std::string& text) {
    const std::string whole = message("9", text);
    const std::string begin = "c.h5 was made with other settings (";
    const std::string end = "). Give another run.directory, or that setting back.";
    if (!whole.starts_with(begin) || !whole.ends_with(end)) return whole;
    return whole.substr(begin.size(), whole.size() - begin.size() - end.size());
  };
  EXPECT_EQ(difference("meta.a=1\nmeta.b=3\n"), "'meta.b=2' there, 'meta.b=3' here");
  EXPECT_EQ(difference("meta.a=1\n"), "'meta.b=2' there, 'nothing' here");
  // A line that only one side has does not shift the other lines against each other.
  EXPECT_EQ(difference("meta.a=1\nmeta.c=3\nmeta.b=2\n"), "'nothing' there, 'meta.c=3' here");
}

class DifferenceTest : public testing::Test {
 protected:
  /// Returns the differences that a refusal names.
  static std::string difference(const std::string& config_there, const std::string& there,
                                const std::string& config_here, const std::string& here) {
    const CheckpointHeader header{.identity = "1", .identity_text = there, .config = config_there};
    const std::string text =
        thrown_message<InputError>([&] { check_identity("c.h5", header, "2", here, config_here); });
    return text.substr(text.find('(') + 1, text.rfind(')') - text.find('(') - 1);
  }
  static std::string meta(const std::string& more) { return "training=meta\nmeta.micro=8\n" + more; }
};

TEST_F(DifferenceTest, AnIdentityMayLeaveOutASettingThatTheConfigurationHas) {
  EXPECT_EQ(difference("[run]\nprecision = fp32  # x\n", meta("run.threads=1\n"), "[run]\nprecision = bf16\n",
                       meta("run.precision=bf16\nrun.threads=1\n")),
            "'run.precision=fp32' there, 'run.precision=bf16' here");
  // The block's size is in an identity only with blocks, and has not changed.
  EXPECT_EQ(difference("[data]\nshuffle = global\nshuffle_block = 1024\n", meta(""),
                       "[data]\nshuffle = block\nshuffle_block = 1024\n",
                       meta("data.shuffle=block\ndata.shuffle_block=1024\n")),
            "'data.shuffle=global' there, 'data.shuffle=block' here");
}

TEST_F(DifferenceTest, AllSettingsThatDifferAreNamed) {
  EXPECT_EQ(difference("", meta("batch.global=32\nrun.seed=1\nsteps=160\n"), "",
                       meta("batch.global=64\nrun.seed=2\nsteps=80\n")),
            "'batch.global=32' there, 'batch.global=64' here; 'run.seed=1' there, 'run.seed=2' here");
}

TEST_F(DifferenceTest, WhatIsMadeOfSettingsIsTheSettings) {
  EXPECT_EQ(difference("[meta]\nepochs = 1\n", meta("steps=16\n"), "[meta]\nepochs = 2\n", meta("steps=32\n")),
            "'meta.epochs=1' there, 'meta.epochs=2' here");
  EXPECT_EQ(difference("[model]\ndepths = 1,1\nmeta_depths = 1,1\n", meta("depths=1,1\n"),
                       "[model]\ndepths = 1,1\nmeta_depths = 2,1\n", meta("depths=2,1\n")),
            "'model.meta_depths=1,1' there, 'model.meta_depths=2,1' here");
  const std::string matched = "[end_to_end]\nepochs = matched\n";
  EXPECT_EQ(difference("[finetuning]\nepochs = 1\n" + matched, "end_to_end.micro=8\nsteps=16\n",
                       "[finetuning]\nepochs = 2\n" + matched, "end_to_end.micro=8\nsteps=32\n"),
            "'finetuning.epochs=1' there, 'finetuning.epochs=2' here");
  EXPECT_EQ(difference("[meta]\nmixup = 0\n[incubation]\nmixup = 0\n", "incubation.micro=8\nmeta=0a\n",
                       "[meta]\nmixup = 1\n[incubation]\nmixup = 0\n", "incubation.micro=8\nmeta=0b\n"),
            "'meta.mixup=0' there, 'meta.mixup=1' here");
}

TEST_F(DifferenceTest, WhatFollowsFromANamedDifferenceIsNotNamed) {
  EXPECT_EQ(difference("", "training=stage_1\nrun.seed=1\nmeta=0a\n", "", "training=stage_1\nrun.seed=0\nmeta=0b\n"),
            "'run.seed=1' there, 'run.seed=0' here");
  EXPECT_EQ(
      difference("", "training=stage_1\ndepths=1,2\nlearning=01\n", "", "training=stage_0\ndepths=2,1\nlearning=10\n"),
      "'training stage_1' there, 'training stage_0' here");
}

TEST_F(CheckpointTest, ADifferenceThatIsNoSettingIsToldAsWhatMakesIt) {
  CheckpointHeader header = example().header;
  const auto message = [&](const std::string& there, const std::string& here) {
    header.identity_text = there;
    const std::string text = thrown_message<InputError>([&] { check_identity("c.h5", header, "9", here, ""); });
    return text.substr(text.find('('), text.rfind(')') + 1 - text.find('('));
  };
  EXPECT_EQ(message("meta.micro=8\nsteps=640\n", "meta.micro=8\nsteps=1280\n"),
            "('steps 640' there, 'steps 1280' here (from meta.epochs))");
  EXPECT_EQ(message("depths=1,1\n", "depths=2,1\n"),
            "('depths 1,1' there, 'depths 2,1' here (from model.depths and model.meta_depths))");
  EXPECT_EQ(message("data=0a\n", "data=0b\n"), "('data 0a' there, 'data 0b' here (the content of data.file))");
  EXPECT_EQ(message("stage_0=0a\n", "stage_0=0b\n"),
            "('stage_0 0a' there, 'stage_0 0b' here (stage_0 is what it starts from))");
}

}  // namespace
}  // namespace incubate
