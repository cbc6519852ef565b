"""Stand-ins that speak the neighbours' HTTP, for `unitbot demo` and for the tests."""
