"""Routes and terminals: declared, found, merged; quota and its releases; when to report."""
