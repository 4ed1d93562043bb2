# What `cmake --install` puts where: the shared library with its links, the static one, the header, and what pkg-config and CMake need to find them.
include(CMakePackageConfigHelpers)

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/wsswift")
install(TARGETS wsswift wsswift_static EXPORT wsswift-targets LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${static_library}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/redefine-syms.txt" DESTINATION "${CMAKE_INSTALL_DATADIR}/wsswift")
install(FILES include/wsswift.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

# pkg-config works the prefix out from where the file lies, so that an installed tree can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  file(RELATIVE_PATH pc_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
  string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${pc_prefix}")
endif()
set(pc_libdir "\${prefix}")
cmake_path(APPEND pc_libdir "${CMAKE_INSTALL_LIBDIR}")
set(pc_includedir "\${prefix}")
cmake_path(APPEND pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
configure_file(pkgconfig/wsswift.pc.in wsswift.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/wsswift.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# Until 1.0 a minor version may break what came before.
write_basic_package_version_file(wsswift-config-version.cmake COMPATIBILITY SameMinorVersion)
configure_package_config_file(cmake/wsswift-config.cmake.in wsswift-config.cmake INSTALL_DESTINATION "${package_folder}")
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/wsswift-config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/wsswift-config-version.cmake"
        DESTINATION "${package_folder}")
install(EXPORT wsswift-targets NAMESPACE wsswift:: DESTINATION "${package_folder}")
