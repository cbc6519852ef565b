"""`unitbot check`: try every setting and neighbour with the real tokens, and say how to mend what is wrong."""
