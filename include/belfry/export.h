// BELFRY_EXPORT: what the shared library shows to the outside. Between `class` and the name.
//
// The library is built with hidden visibility, so whatever lacks the mark stays inside. Types that
// cross the border as exceptions or by dynamic_cast need it too. An archive needs nothing else.
#pragma once

#define BELFRY_EXPORT [[gnu::visibility("default")]]
