// In every program of a sanitized build, in front of the C library's own: no library is ever unloaded. Open MPI's
// plugins would be when MPI ends, so that LeakSanitizer, which looks at the end, could not say whose the memory is that
// they left.

extern "C" int dlclose(void* /*library*/) { return 0; }
