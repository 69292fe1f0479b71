fixture("shop")
