# The layers as static libraries, one a folder of Sources/, with the same arrows as Package.swift. They are linked whole into
# one shared library and never installed. Static, because CMake cannot make object libraries of Swift.

# Never -num-threads: then a changed header or module leaves stale inlined code behind. Every build compiles every module.
set(swift_options -swift-version 6 -parse-as-library -wmo "SHELL:-Xfrontend -function-sections")
if(WSSWIFT_EMBEDDED)
  list(APPEND swift_options "SHELL:-enable-experimental-feature Embedded")
else()
  list(APPEND swift_options -enforce-exclusivity=checked)
endif()
set(c_options -std=gnu11 -Wall -Wextra -fvisibility=hidden -fstack-protector-strong)
# Line numbers always: scripts/install strips them, docs/incident.md uses them. No path of this machine goes in, so that the same
# sources give the same bytes everywhere; breadcrumbs would be paths, and the incremental hash one of the options with paths.
list(APPEND swift_options -g "SHELL:-Xfrontend -no-clang-module-breadcrumbs" "SHELL:-Xfrontend -disable-incremental-llvm-codegen")
list(APPEND swift_options -file-compilation-dir /wsswift)
list(APPEND c_options -g)
foreach(map "${CMAKE_CURRENT_BINARY_DIR}=/wsswift/build" "${CMAKE_CURRENT_SOURCE_DIR}=/wsswift" "${swift_toolchain}=/swift")
  list(APPEND swift_options "SHELL:-file-prefix-map \"${map}\"")
  list(PREPEND c_options "-ffile-prefix-map=${map}")
endforeach()
if(WSSWIFT_SANITIZE)
  list(APPEND swift_options -sanitize=${WSSWIFT_SANITIZE})
  list(APPEND c_options -fsanitize=${WSSWIFT_SANITIZE})
endif()
set(module_folder "${CMAKE_CURRENT_BINARY_DIR}/modules")

# wsswift_c_module(NAME INCLUDES): a module map beside its header, and its .c files if it has any.
function(wsswift_c_module name includes)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/Sources/${name}/*.c")
  # Goes into the shared library alone: it replaces functions of libc there.
  list(FILTER sources EXCLUDE REGEX "/embedded_runtime\\.c$")
  if(sources)
    add_library(${name} STATIC ${sources})
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_compile_options(${name} PRIVATE ${c_options} -ffunction-sections)
    target_include_directories(${name} PUBLIC "${CMAKE_CURRENT_SOURCE_DIR}/${includes}")
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "${CMAKE_CURRENT_SOURCE_DIR}/${includes}")
  endif()
endfunction()

# wsswift_swift_module(NAME IMPORT...)
function(wsswift_swift_module name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/Sources/${name}/*.swift")
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES Swift_MODULE_NAME ${name} Swift_MODULE_DIRECTORY "${module_folder}")
  target_compile_options(${name} PRIVATE ${swift_options})
  target_include_directories(${name} PUBLIC "${module_folder}")
  target_link_libraries(${name} PUBLIC ${ARGN})
  if(WSSWIFT_EMBEDDED)
    # Comparing strings needs the tables, hash tables need ceil.
    target_link_libraries(${name} INTERFACE "${WSSWIFT_UNICODE}" m)
  endif()
endfunction()

wsswift_c_module(CMemory Sources/CMemory/include)
wsswift_c_module(CLinux Sources/CLinux/include)
wsswift_c_module(CWSSwift include)
wsswift_swift_module(WSProtocol CMemory)
wsswift_swift_module(WSTransport CLinux)
wsswift_swift_module(WSSwift WSProtocol WSTransport)
wsswift_swift_module(WSCABI CWSSwift WSProtocol WSTransport WSSwift)
