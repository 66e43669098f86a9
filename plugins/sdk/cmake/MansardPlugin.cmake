# mansard_add_plugin(<id> [SOURCES] <source>... [OUTPUT_DIRECTORY <folder>])
#
# Adds the module library `mansard_plugin_<id>`, written as mansard-<id>.so: the name by which the
# host finds the plugin of a chip whose `model` is <id>. Everything but the entry point is hidden.
# It lands in the current binary folder (point MANSARD_PLUGIN_PATH there), unless a folder is given.

include_guard(GLOBAL)

set(MANSARD_PLUGIN_EXPORTS ${CMAKE_CURRENT_LIST_DIR}/mansard_plugin.map CACHE INTERNAL "")

function(mansard_add_plugin id)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT_DIRECTORY" "SOURCES")
  set(sources ${arg_UNPARSED_ARGUMENTS} ${arg_SOURCES})
  if(NOT sources)
    message(FATAL_ERROR "mansard_add_plugin(${id}): no source files given")
  endif()
  if(NOT id MATCHES "^[a-z0-9][a-z0-9_-]*$")
    message(FATAL_ERROR "mansard_add_plugin(${id}): an id is lower-case letters, digits, - and _")
  endif()

  set(target mansard_plugin_${id})
  add_library(${target} MODULE ${sources})
  target_link_libraries(${target} PRIVATE Mansard::sdk)
  if(UNIX AND NOT APPLE)
    target_link_options(${target} PRIVATE -Wl,--version-script=${MANSARD_PLUGIN_EXPORTS})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${MANSARD_PLUGIN_EXPORTS})
  endif()

  # Plugins of Mansard's own tree share a folder, and are installed beside the program.
  get_property(folder GLOBAL PROPERTY MANSARD_PLUGIN_OUTPUT_DIRECTORY)
  if(arg_OUTPUT_DIRECTORY)
    set(folder ${arg_OUTPUT_DIRECTORY})
  elseif(folder)
    install(TARGETS ${target} LIBRARY DESTINATION lib/mansard/plugins COMPONENT plugins)
  else()
    set(folder ${CMAKE_CURRENT_BINARY_DIR})
  endif()
  set_target_properties(${target} PROPERTIES
    PREFIX ""
    SUFFIX ".so"
    OUTPUT_NAME mansard-${id}
    LIBRARY_OUTPUT_DIRECTORY ${folder}
    C_STANDARD 11
    CXX_STANDARD 20
    CXX_STANDARD_REQUIRED ON
    CXX_EXTENSIONS OFF
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
endfunction()
