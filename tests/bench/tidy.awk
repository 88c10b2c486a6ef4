# Prints tidy CSV: figures of -v communities=N communities by as many indicators and years as make up -v rows=N.
BEGIN {
  print "areacd,areanm,geography,indicator,period,observation,measure,unit,lci_95,uci_95,status,notes"
  years = 20
  seed = 1
  for (i = 0; printed < rows; i++)
    for (c = 1; c <= communities && printed < rows; c++)
      for (y = 0; y < years && printed < rows; y++) {
        seed = (seed * 1103 + 12345) % 1000003
        value = seed % 900 / 10 + 5
        printf "E%08d,Community %06d,Local Authority District,indicator-%03d,%d,%.1f,Percentage,%%,%.1f,%.1f,%s,\n", \
          c, c, i, 2001 + y, value, value - 1.5, value + 1.5, seed % 20 ? "A" : "P"
        printed++
      }
}
