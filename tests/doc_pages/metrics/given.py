suite()
