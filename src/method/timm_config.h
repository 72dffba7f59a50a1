#pragma once

#include <string>

#include "method/training.h"

namespace incubate {

/// Returns the content of config.json in a folder that timm loads as "local-dir:FOLDER": the network with all its
/// arguments, how to prepare images, the classes, and where the weights come from. `figures` are the training's, of
/// which the evaluation's are stated. A residual network, which timm has not, is for
/// analysis/exported_network.py. Throws InputError if timm cannot be told a setting of the network.
std::string timm_config(const Training& training, const RunConfig& config, const Figures& figures);

}  // namespace incubate
