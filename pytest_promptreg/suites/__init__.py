"""What a suite is: declared by a marker or a file, checked, and made of prompt versions and examples."""
