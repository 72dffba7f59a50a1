# Writes version.h with the commit that is being built; leaves the file alone when nothing changed. Run by every build.
execute_process(COMMAND git -C ${SOURCE_DIR} rev-parse HEAD OUTPUT_VARIABLE GIT_SHA1 OUTPUT_STRIP_TRAILING_WHITESPACE
                ERROR_QUIET)
if(NOT GIT_SHA1)
  set(GIT_SHA1 unknown)
endif()
configure_file(${SOURCE_DIR}/src/base/version.h.in ${OUTPUT} @ONLY)
