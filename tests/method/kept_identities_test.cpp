#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/parse.h"
#include "config/validate.h"
#include "method/training.h"

namespace incubate {
namespace {

/// The results of version 0.1.0 for an input file, except grown and shallow networks (third and fourth from the end),
/// which inherit recipes since then.
struct Kept {
  const char* file;
  std::int64_t num_images;
  std::string identities;  ///< the first eight digits of each training's
};

RunConfig read_input(const std::string& name) {
  std::ifstream file(std::string(INCUBATE_INPUT) + "/" + name + ".ini");
  std::stringstream text;
  text << file.rdbuf();
  RunConfig config;
  parse_ini(text.str(), name, list_settings(config));
  validate(config);
  return config;
}

std::vector<Training> list(const RunConfig& config, std::int64_t num_images) {
  return list_trainings(config, {.num_train = num_images,
                                 .num_validation = 10000,
                                 .height = config.model.image_size,
                                 .width = config.model.image_size,
                                 .channels = config.model.channels,
                                 .class_names = std::vector<std::string>(config.model.classes, "class"),
                                 .digest = "0123456789abcdef"});
}

// A run whose identities change is refused by the program that continues it, and all its work is lost.
TEST(KeptIdentities, OfEveryInputFile) {
  const std::array kKept = {
      Kept{"cifar100-deit-t-128", 50000,
           "3598767a 82ef63bd 99cbe1e5 2e50053b 4060f012 dc6f2e81 a7f0c7b9 54435075 fcfb7f9f bc3c5f10 74bc003b "
           "b4b5afc8"},
      Kept{"cifar100-deit-t-32", 50000,
           "3598767a 18dd0aff f0801a1c 6194e305 fb7146fb f9b3a91f 632ae5a5 cb23eb4c 9b628abc f44b88f3 f0f6932d "
           "8ac7e1b0"},
      Kept{"cifar100-resnet-110", 50000,
           "a8b18f9c 19017cf8 4579d5fd 29efe6d0 629676f5 1c905796 57b46109 e4a64d73 5dc9b5cd a825b832 06f2f390"},
      Kept{"fashion-mnist", 60000,
           "a35c9e2c 9147e797 8178c685 fa78f0ed a1b88ab6 0e9c83eb 6eed40f6 7823bc04 3d8a1354 c96e77d7 b47ce0db "
           "99c77739"},
      Kept{"imagenet-25-vit-b", 320292,
           "fff1aa14 d574ec28 8a01e377 352af27c 24307c41 ddd3c4df 8a706089 8ee05de9 876d9028 72f1babd f4f43cd2 "
           "d45585c9"},
      Kept{"imagenet-50-vit-b", 640583,
           "40e3419c 0d7f92c6 41d67fa9 847fc58f 6abc8c0a 81a54548 da0d7d01 706dd628 e2ba5f10 d5cb7ca1 398f8bef "
           "1883110d"},
      Kept{"imagenet-vit-b", 1281167,
           "f7848280 93f3907f 57d3868a 4c99c0cc 6cae46d4 f475ed67 81d0e357 b0023812 047b5f5e 2d7c2bca 7c14b6a7 "
           "5bdd8a08"},
      Kept{"imagenet-vit-h", 1281167,
           "de14caab 4b006b4e fbb9e4a5 f07987ed 7c335da1 eccb226b 2a136c86 836791e4 7ef0ee98 9796f186 1170283c "
           "fcac150d"},
      Kept{"imagenet-vit-l", 1281167,
           "30a1ab11 4564cfb2 ae28b1d4 c4225cf8 95fd6afa c7a8062a 5e9afb9c ce2e6731 88afed69 89d8ef9c 71cd8f2b "
           "e2de24a0"}};
  for (const Kept& kept : kKept) {
    std::string identities;
    for (const Training& training : list(read_input(kept.file), kept.num_images)) {
      identities += (identities.empty() ? "" : " ") + training.identity.substr(0, 8);
    }
    EXPECT_EQ(identities, kept.identities) << kept.file;
  }
}

// The hash above says that something changed; this one says what.
TEST(KeptIdentities, TheTextOfOne) {
  const RunConfig vit = read_input("fashion-mnist");
  EXPECT_EQ(find_training(list(vit, 60000), "stage_1").identity_text,
            "training=stage_1\n"
            "model.family=vit\n"
            "model.image_size=28\n"
            "model.channels=1\n"
            "model.classes=10\n"
            "model.patch=7\n"
            "model.width=64\n"
            "model.heads=4\n"
            "model.mlp_ratio=4\n"
            "model.qkv_bias=true\n"
            "model.norm_eps=1e-06\n"
            "model.layer_scale=0\n"
            "data.mean=0.286\n"
            "data.std=0.353\n"
            "data.crop_padding=0\n"
            "data.flip=false\n"
            "data.eval_crop=0.875\n"
            "batch.global=256\n"
            "optimizer.name=adamw\n"
            "optimizer.beta1=0.9\n"
            "optimizer.beta2=0.999\n"
            "optimizer.epsilon=1e-08\n"
            "incubation.micro=64\n"
            "incubation.learning_rate=0.004\n"
            "incubation.min_learning_rate=1e-05\n"
            "incubation.warmup_epochs=0.05\n"
            "incubation.warmup_learning_rate=1e-06\n"
            "incubation.granularity=step\n"
            "incubation.weight_decay=0.05\n"
            "incubation.layer_decay=1\n"
            "incubation.ema_decay=0\n"
            "incubation.drop_path=0\n"
            "incubation.mixup=0\n"
            "incubation.cutmix=0\n"
            "incubation.clip_norm=0\n"
            "incubation.label_smoothing=0\n"
            "incubation.crop=padding\n"
            "incubation.crop_scale=0.08,1\n"
            "incubation.color_jitter=0\n"
            "incubation.rand_augment=\n"
            "incubation.random_erasing=0\n"
            "incubation.repeated_augmentation=1\n"
            "incubation.init=random\n"
            "run.seed=0\n"
            "run.sums=exact\n"
            "run.threads=1\n"
            "depths=1,3,1,1\n"
            "learning=0100\n"
            "steps=94\n"
            "data=0123456789abcdef\n"
            "meta=a35c9e2c964114b96a0578c86efe2356\n");
  const RunConfig resnet = read_input("cifar100-resnet-110");
  EXPECT_EQ(find_training(list(resnet, 50000), "stage_1").identity_text,
            "training=stage_1\n"
            "model.family=resnet\n"
            "model.image_size=32\n"
            "model.channels=3\n"
            "model.classes=100\n"
            "model.norm_eps=1e-05\n"
            "model.widths=16,32,64\n"
            "model.group_depth=18\n"
            "data.mean=0.5071,0.4865,0.4409\n"
            "data.std=0.2673,0.2564,0.2762\n"
            "data.crop_padding=4\n"
            "data.flip=true\n"
            "data.eval_crop=0.875\n"
            "batch.global=1024\n"
            "optimizer.name=sgd\n"
            "optimizer.momentum=0.9\n"
            "optimizer.nesterov=true\n"
            "incubation.micro=128\n"
            "incubation.learning_rate=0.4\n"
            "incubation.min_learning_rate=0\n"
            "incubation.warmup_epochs=10\n"
            "incubation.warmup_learning_rate=0\n"
            "incubation.granularity=step\n"
            "incubation.weight_decay=0.0001\n"
            "incubation.layer_decay=1\n"
            "incubation.ema_decay=0\n"
            "incubation.drop_path=0\n"
            "incubation.mixup=0\n"
            "incubation.cutmix=0\n"
            "incubation.clip_norm=0\n"
            "incubation.label_smoothing=0\n"
            "incubation.crop=padding\n"
            "incubation.crop_scale=0.08,1\n"
            "incubation.color_jitter=0\n"
            "incubation.rand_augment=\n"
            "incubation.random_erasing=0\n"
            "incubation.repeated_augmentation=1\n"
            "incubation.init=random\n"
            "run.seed=0\n"
            "run.sums=exact\n"
            "run.threads=1\n"
            "depths=1+0+0,0+18+0,0+0+1\n"
            "learning=010\n"
            "steps=2544\n"
            "data=0123456789abcdef\n"
            "meta=a8b18f9cca4ce82c695910b76a5e69ee\n");
}

}  // namespace
}  // namespace incubate
