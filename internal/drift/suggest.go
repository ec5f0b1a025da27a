package main

func (r *Report) suggestion() string { return "" }
