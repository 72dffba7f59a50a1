#include <climits>
#include <string_view>
#include <thread>
#include <vector>

namespace {

volatile int one = 1;  // the compiler does not know it

}  // namespace

/// Makes the mistake that it is asked for. tests/sanitize.sh begins with it and must find the mistake.
int main(int argc, char** argv) {
  const std::string_view mistake = argc == 2 ? argv[1] : "";
  const std::vector<int> numbers(4);
  if (mistake == "beyond-the-end") one = numbers.data()[3 + one];
  if (mistake == "overflow") one = INT_MAX + one;
  if (mistake == "no-integer") one = static_cast<int>(1e10 * one);
  if (mistake == "leak") std::thread([] { one = *new int(one); }).join();  // nothing of its stack is left
}
