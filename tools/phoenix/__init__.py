"""The real Phoenix server: started in an environment of its own, its document, and the models made from it."""
