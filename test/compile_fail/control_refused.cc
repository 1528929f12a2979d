// expect: static.assert.* failed.*this must be reported
static_assert(sizeof(char) == 2, "this must be reported");
