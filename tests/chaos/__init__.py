"""Random, seeded destruction while tasks run, commands arrive and people watch; then the proof."""
