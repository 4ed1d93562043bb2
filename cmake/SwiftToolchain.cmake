# What the build asks of the Swift toolchain: where its tools and its embedded libraries are, and whether the chosen options
# fit together.
if(CMAKE_Swift_COMPILER_VERSION VERSION_LESS 6.3)
  message(FATAL_ERROR "Swift 6.3 or later is needed; ${CMAKE_Swift_COMPILER} is ${CMAKE_Swift_COMPILER_VERSION}")
endif()

# The compiler knows its own folders; its path may be a launcher that lies elsewhere.
execute_process(COMMAND "${CMAKE_Swift_COMPILER}" -print-target-info
                OUTPUT_VARIABLE target_info COMMAND_ERROR_IS_FATAL ANY)
string(JSON swift_resources GET "${target_info}" paths runtimeResourcePath)
string(JSON swift_triple GET "${target_info}" target moduleTriple)

set(swift_runtime "${swift_resources}/linux")
cmake_path(SET swift_toolchain NORMALIZE "${swift_resources}/../../..")
string(REGEX REPLACE "/$" "" swift_toolchain "${swift_toolchain}")

# The toolchain's own: an older one in PATH damages the archive's newer sections.
find_program(WSSWIFT_OBJCOPY llvm-objcopy HINTS "${swift_resources}/../../bin" NO_DEFAULT_PATH REQUIRED)
mark_as_advanced(WSSWIFT_OBJCOPY)
if(WSSWIFT_EMBEDDED)
  # Unicode tables, for comparing String.
  find_library(WSSWIFT_UNICODE libswiftUnicodeDataTables.a HINTS "${swift_resources}/embedded/${swift_triple}"
               NO_DEFAULT_PATH REQUIRED)
  mark_as_advanced(WSSWIFT_UNICODE)
endif()

if(WSSWIFT_SANITIZE AND WSSWIFT_EMBEDDED)
  message(FATAL_ERROR "WSSWIFT_SANITIZE needs WSSWIFT_EMBEDDED=OFF: sanitizers work in ordinary Swift only")
endif()
if(WSSWIFT_SANITIZE AND NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "WSSWIFT_SANITIZE needs the Swift toolchain's clang, whose runtime the programs share: "
                      "-DCMAKE_C_COMPILER=${swift_resources}/../../bin/clang")
endif()
