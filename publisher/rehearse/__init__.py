"""A whole year through the real line, on practice channels and a simulated clock, compared with what went in."""
