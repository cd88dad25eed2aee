# `apt install g++-aarch64-linux-gnu qemu-user`
set(CMAKE_SYSTEM_PROCESSOR aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/gnu.cmake)
