"""What was accepted: the stored file, what a refresh does to it, and what it is compared as."""
