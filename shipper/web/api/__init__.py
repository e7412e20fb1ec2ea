"""The JSON API: the page's use cases for programs, described by OpenAPI."""
