"""Makes the page of a report, serves it, and takes pictures of it."""
