"""What notebooks call: rows trained live, findings, galleries; a module or folder a notebook."""
