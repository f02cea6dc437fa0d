"""Breaking the glass: clinicians open, widen and close an emergency; citizens see who did, why, and what came of it."""
