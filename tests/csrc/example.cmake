# cmake -DBUILD=… -DEXAMPLE=… -DCONFIG=… -DGENERATOR=… -DC_COMPILER=… -DC_FLAGS=… -DTOOLCHAIN=… -DEMULATOR=…
#     -P example.cmake
#
# Installs the library that was built in BUILD, builds EXAMPLE with it as a separate project, runs it and compares its
# output with expected.txt.
function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV}: ${result}")
  endif()
endfunction()

set(prefix ${BUILD}/example/prefix)
set(outside ${BUILD}/example/build)
file(REMOVE_RECURSE ${prefix} ${outside})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix} --config ${CONFIG})

set(options -DCMAKE_PREFIX_PATH=${prefix} -DCMAKE_BUILD_TYPE=${CONFIG} -DCMAKE_C_FLAGS=${C_FLAGS})
if(TOOLCHAIN)
  list(APPEND options -DCMAKE_TOOLCHAIN_FILE=${TOOLCHAIN})
else()
  list(APPEND options -DCMAKE_C_COMPILER=${C_COMPILER})
endif()
run(${CMAKE_COMMAND} -S ${EXAMPLE} -B ${outside} -G ${GENERATOR} ${options})
run(${CMAKE_COMMAND} --build ${outside} --config ${CONFIG})

find_program(step NAMES step step.exe step.wasm PATHS ${outside} ${outside}/${CONFIG} NO_DEFAULT_PATH REQUIRED)
execute_process(COMMAND ${EMULATOR} ${step} RESULT_VARIABLE result OUTPUT_VARIABLE printed)
string(REPLACE "\r\n" "\n" printed "${printed}")  # of programs for Windows
file(READ ${EXAMPLE}/expected.txt expected)
if(NOT result EQUAL 0 OR NOT printed STREQUAL expected)
  message(FATAL_ERROR "${step}: ${result}, printed\n${printed}\nexpected\n${expected}")
endif()
